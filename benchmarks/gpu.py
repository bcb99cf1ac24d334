"""Training on a GPU: speed, use of the device, memory and time to quality, beside a loop tuned by hand.

    make bench-gpu                                             every case, precision and option
    python benchmarks/gpu.py --minutes 25                      as much of it as fits
    python benchmarks/gpu.py --cases translation --precisions bfloat16 --steps 50
    python benchmarks/gpu.py --device cpu                      the same code at tiny sizes

Five shipped specs (a language model of GPT-2 small's shape, Transformer base, CTC speech, ResNet-50, a diffusion
U-Net) train on a corpus that is made up, or with ``--given`` on the one that each spec names.  ``seqspec`` is the
loop of ``seqspec run`` with its own loading of data; ``plain`` is a loop of a dozen lines over the same model, the
same loss and the same batches, which lie on the device already.  In the second round of ``--rounds`` the order is
turned round; medians are given.

MFU is the model's arithmetic by the project's cost model (``seqspec explain --cost``), for the positions that
are no padding, over the device's stated peak.  Time to quality is the time from the first batch, compiling included,
to the loss at which ``seqspec`` in float32 ends (a mean of ten steps, two per cent more).

``--minutes`` gives each case the same share of that time.  No setting is begun after it; what is not compiled comes first,
and a row says what was not reached.  Writes ``report.md`` and ``report.json`` below ``--out``, after each case.  Exit code 2 where there is no such device.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for `exact`; read before the first product

import torch  # noqa: E402
from accelerator.cases import CASES, Case  # noqa: E402
from accelerator.device import described, forget_peak, peak, peak_memory  # noqa: E402
from accelerator.loops import Setting, Work  # noqa: E402
from accelerator.meter import Meter  # noqa: E402
from accelerator.tables import markdown  # noqa: E402

from seqspec.compile.cost.cost import arithmetic  # noqa: E402
from seqspec.data.batching.batch import Batch  # noqa: E402
from seqspec.runtime.devices.launch import Launch  # noqa: E402
from seqspec.schema.diagnostic import RunError  # noqa: E402

Row = dict[str, Any]
SMOOTH = 10
"""Steps whose losses are averaged before they are compared."""
SLACK = 1.02
"""The quality that is waited for, as a share of the loss at which float32 ends."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _options(arguments)
    try:
        device = Launch(device=given.device).accelerator
    except RunError as error:
        print(f"nothing is measured: {error}", file=sys.stderr)
        return int(error.exit)
    tiny = device == "cpu"
    peaks = {precision: peak(device, precision) for precision in given.precisions}
    report: Row = {
        "command": sys.argv, "machine": described(device), "tiny": tiny, "steps": given.steps,
        "peaks": {name: {"operations_a_second": rate, "source": source}
                  for name, (rate, source) in peaks.items()},
        "cases": [],
    }  # fmt: skip
    given.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * given.minutes
    for number, name in enumerate(given.cases):
        now = time.monotonic()
        until = now + (end - now) / (len(given.cases) - number)
        report["cases"].append(_measured(CASES[name], device, given, peaks, tiny=tiny, until=until))
        _write(report, given.out)  # what is known outlives what is cut off
    print(given.out / "report.md")
    return 0


def _write(report: Row, folder: Path) -> None:
    (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="`cpu` has tiny sizes")
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=list(CASES))
    parser.add_argument("--precisions", nargs="+", choices=("float32", "tf32", "bfloat16", "float16"))
    parser.add_argument("--loops", nargs="+", choices=("seqspec", "plain"), default=["seqspec", "plain"])
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--given", action="store_true", help="the corpora that the specs name")
    parser.add_argument("--warm", type=int, help="steps before the clock starts")
    parser.add_argument("--steps", type=int, help="steps of a window")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=math.inf, help="no setting is begun later")
    parser.add_argument("--out", type=Path, default=Path("build/gpu"))
    found = parser.parse_args(arguments)
    tiny = found.device == "cpu"
    usual = ["float32", "bfloat16"] if tiny else ["float32", "tf32", "bfloat16", "float16"]
    found.precisions = found.precisions or usual
    found.warm = (2 if tiny else 10) if found.warm is None else found.warm
    found.steps = (2 if tiny else 20) if found.steps is None else found.steps
    if min(found.warm, found.steps, found.windows, found.rounds) < 1:
        parser.error("--warm, --steps, --windows and --rounds are at least 1")
    return found


def _measured(
    case: Case,
    device: str,
    given: argparse.Namespace,
    peaks: dict[str, tuple[float, str]],
    *,
    tiny: bool,
    until: float,
) -> Row:
    """All settings of a case, in turns, of which none begins after ``until``."""
    steps = given.warm + given.steps * given.windows
    work = Work(case, device, tiny=tiny, given=given.given, steps=steps)
    assembled = work.assembled(Setting("plain"))
    batches = work.batches
    counts = [_count(case, batch) for batch in batches]
    flops = [arithmetic(assembled.compiled, positions=_positions(batch)) for batch in batches]
    settings = sorted(_settings(case, given), key=lambda setting: setting.compile)
    runs: dict[Setting, list[Row]] = {setting: [] for setting in settings}
    for round_ in range(given.rounds):
        for setting in settings if round_ % 2 == 0 else reversed(settings):
            if time.monotonic() > until:
                break
            print(f"{case.name}: {setting.loop}, {setting.precision}, {setting.options}", file=sys.stderr)
            runs[setting].append(_run(work, setting, given, counts, flops))
    rows = [_joined(setting, found, peaks[setting.precision][0]) for setting, found in runs.items()]
    return {
        "case": case.name, "spec": case.spec, "unit": case.unit, "tiny": tiny,
        "parameters": sum(p.numel() for p in assembled.program.model.parameters()),
        f"{case.unit}_a_step": round(fmean(counts), 1), "operations_a_step": fmean(flops),
        "rows": _with_quality(rows),
    }  # fmt: skip


def _settings(case: Case, given: argparse.Namespace) -> Iterator[Setting]:
    compiled = (False,) if given.no_compile else (False, True)
    orders = (False, True) if case.convolves else (False,)
    for precision in given.precisions:
        for loop, compile_, order in product(given.loops, compiled, orders):
            yield Setting(loop, precision, compile_, order)
        if "plain" in given.loops:
            yield Setting("plain", precision, fused=False)
        if "seqspec" in given.loops:
            yield Setting("seqspec", precision, exact=True)


def _run(
    work: Work, setting: Setting, given: argparse.Namespace, counts: list[float], flops: list[float]
) -> Row:
    """One contender once; what it cannot do is told in its row."""
    gc.collect()
    torch.manual_seed(1)
    if setting.compile:
        torch.compiler.reset()
    forget_peak(work.device)
    meter = Meter(work.device, warm=given.warm, steps=given.steps, windows=given.windows)
    try:
        work.train(setting, meter)
    except (RuntimeError, RunError) as error:  # out of memory, what cannot be compiled, a loss that overflows
        return {"error": (str(error).splitlines() or [type(error).__name__])[0][:200]}
    return {
        "rate": meter.rate(counts), "operations_a_second": meter.rate(flops), "first": meter.first,
        "memory": peak_memory(work.device), "losses": meter.curve(),
        "seconds_a_step": 1 / meter.rate([1.0] * meter.total),
    }  # fmt: skip


def _joined(setting: Setting, runs: Sequence[Row], rate: float) -> Row:
    """The medians of a contender's rounds."""
    row: Row = {"loop": setting.loop, "precision": setting.precision, "options": setting.options}
    if not runs:
        return row | {"error": "not begun: the time was over"}
    failed = next((one for one in runs if "error" in one), None)
    if failed:
        return row | failed
    names = ("rate", "operations_a_second", "first", "memory", "seconds_a_step")
    medians = {name: median(one[name] for one in runs) for name in names}
    return row | medians | {"mfu": medians["operations_a_second"] / rate, "losses": runs[0]["losses"]}


def _with_quality(rows: list[Row]) -> list[Row]:
    """Seconds until each is as good as ``seqspec`` in float32, or whoever stands first, is at its end."""
    curves = [_smooth(row["losses"]) for row in rows if "losses" in row]
    target = curves[0][-1] * SLACK if curves else 0.0
    told = []
    for row in rows:
        found = {name: value for name, value in row.items() if name != "losses"}
        if "losses" in row:
            curve = _smooth(row["losses"])
            step = next((number for number, loss in enumerate(curve, start=1) if loss <= target), None)
            reached = None if step is None else row["first"] + (step - 1) * row["seconds_a_step"]
            found |= {"loss": curve[-1], "steps_to_quality": step, "seconds_to_quality": reached}
        told.append(found)
    return told


def _smooth(losses: Sequence[float]) -> list[float]:
    """At each step the mean of those that are over; of fewer than ``SMOOTH``, infinity."""
    width = min(SMOOTH, len(losses))
    means = [fmean(losses[end - width : end]) for end in range(width, len(losses) + 1)]
    return [float("inf")] * (width - 1) + means


def _count(case: Case, batch: Batch) -> float:
    """What is counted of a batch."""
    if case.unit == "images":
        return float(len(batch.index))
    field = batch.fields["source" if case.unit == "frames" else "target"]
    return _filled(field)


def _positions(batch: Batch) -> dict[str, float]:
    """Real positions of each role, as the cost model counts them."""
    return {name: _filled(field) for name, field in batch.fields.items()}


def _filled(field: Any) -> float:
    """Of an image every pixel; of what has lengths these; of ids whatever is no padding."""
    values = field.values
    if field.lengths is not None:
        return float(field.lengths.sum())
    if values.ndim == 4:
        return float(values.shape[0] * values.shape[-2] * values.shape[-1])
    return float((values != 0).sum()) if values.ndim == 2 else float(len(values))


if __name__ == "__main__":
    sys.exit(main())

"""Export: write, run in the target's own runtime, compare, describe; all of it, or no folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seqspec
from seqspec.data.store.durable import json_bytes, write_durably, writing
from seqspec.runtime.export.card import export_card
from seqspec.runtime.export.preprocessing import write_preprocessing
from seqspec.runtime.export.quantization import Quantized, quantize
from seqspec.runtime.export.subject import Subject, open_subject
from seqspec.runtime.export.target import Check, Target, target_of
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from seqspec.compile.resolve.overlay import Overlay


CARD = "README.md"
"""What a person should read first; model hubs show it."""


@dataclass(frozen=True)
class Request:
    """What ``seqspec export`` is asked for."""

    run: Path
    target: str
    output: Path | None = None
    """Left out, ``exports/TARGET`` in the run."""
    checkpoint: str = "best"
    split: str | None = None
    """Split whose examples the export is compared on; left out, the first that the spec evaluates."""
    inputs: tuple[str, ...] = ()
    """Texts or files in place of a split."""
    quantize: str | None = None
    calibrate: str = "train"
    evaluate: str | None = None
    """Split that a quantised model is measured on; left out, ``split``."""
    over: tuple[Overlay, ...] = ()
    threads: int | None = None
    task: str | None = None
    """Which of the tasks of a run of several."""


@dataclass(frozen=True)
class Export:
    """A finished export."""

    folder: Path
    checks: tuple[Check, ...]
    inputs: str
    """What was compared on."""
    size: int
    """Bytes of all files."""
    quantized: Quantized | None = None


def export(request: Request) -> Export:
    """Raises ``RunError`` where the target cannot write this model (exit 2) or the result differs from the
    run (exit 7); then nothing is left at the output.
    """
    target = target_of(request.target)
    name = "-".join(word for word in (request.task, request.target, request.quantize) if word)
    output = (request.output or open_folder(request.run).path / "exports" / name).absolute()
    _require_free(output)
    packages = target.require()
    subject = open_subject(
        request.run, checkpoint=request.checkpoint, split=request.split, inputs=request.inputs,
        over=request.over, threads=request.threads, task=request.task,
    )  # fmt: skip
    help = "name another place with --output"
    with writing(output, help=help):
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".exporting-", dir=output.parent))
    try:
        with writing(output, help=help):
            found = _written(request, target, subject, folder, packages)
            folder.chmod(0o755)
            if output.is_dir():
                output.rmdir()
            os.rename(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Export(output, found[0], subject.inputs, _size(output), found[1])


def _written(
    request: Request, target: Target, subject: Subject, folder: Path, packages: Mapping[str, str]
) -> tuple[tuple[Check, ...], Quantized | None]:
    told = target.write(subject, folder)
    checks = tuple(target.compare(subject, folder))
    _require_equal(checks, request.target)
    quantized = None
    if request.quantize is not None:
        quantized = quantize(
            subject, folder, target=request.target, method=request.quantize, calibrate=request.calibrate,
            split=request.evaluate,
        )  # fmt: skip
    write_preprocessing(subject, folder)
    lines = "".join(f"{check.line()}\n" for check in checks)
    card = export_card(
        subject,
        target=request.target,
        library=getattr(target, "LIBRARY", "seqspec"),
        checks=lines,
        graphs=told.get("graphs", {}),
        driver=(folder / "driver.py").is_file(),
        loads=getattr(target, "LOADS", None),
        quantized=quantized.as_json() if quantized else None,
    )
    write_durably(folder / CARD, card.encode())
    write_durably(folder / "export.json", json_bytes(_record(request, subject, folder, checks, quantized)
                                                     | {"packages": dict(packages)} | told))  # fmt: skip
    return checks, quantized


def _require_free(output: Path) -> None:
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise RunError(f"{output} is there already", exit=Exit.USAGE,
                       help="remove it, or name another place with --output")  # fmt: skip


def _require_equal(checks: Sequence[Check], target: str) -> None:
    wrong = [check for check in checks if not check.passed]
    if wrong:
        told = "; ".join(f"{check.what}: {check.difference:.2e} > {check.tolerance:.0e}" for check in wrong)
        raise RunError(
            f"the export to `{target}` differs from the run and was removed: {told}",
            exit=Exit.DRIFT,
            help="report it with the run's spec.yaml; other targets may take this model",
        )


def _record(
    request: Request, subject: Subject, folder: Path, checks: Sequence[Check], quantized: Quantized | None
) -> dict[str, Any]:
    """``export.json``: where it comes from, what was compared, what every file holds."""
    return {
        "seqspec": seqspec.__version__,
        "target": request.target,
        "run": subject.folder.path.name,
        "digests": dict(subject.compiled.plan.digests),
        "weights": {"name": subject.weights.name, "steps": list(subject.weights.steps)},
        "compared_on": subject.inputs,
        "checks": [
            {"what": one.what, "difference": one.difference, "tolerance": one.tolerance} for one in checks
        ],
        "quantized": None if quantized is None else quantized.as_json(),
        "files": {
            str(path.relative_to(folder)): {
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""Translation on a CPU: training and decoding next to a tuned loop, a plain loop and CTranslate2.

    python benchmarks/translation.py [--root FOLDER] [--steps 12] [--repeats 3] [--sentences 200] [--only
train,decode]

``--root`` is a folder with ``train.en`` and ``train.ja`` and so on, as ``specs/mt_tanaka_enja.yaml`` reads
it; without it a corpus is made up.  Everything is measured in CPU seconds of one thread, contenders in turns,
medians over the repeats, so that other work on the machine weighs little.  The tuned and the plain loop are
in ``benchmarks/peers/tuned_transformer.py`` and use nothing of seqspec; the tuned one sees the very same
batches, the plain one batches of the same pairs at random, padded to the longest. A token is a target token
that is no padding, the end of each sentence counted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))

import torch  # noqa: E402
from tuned_transformer import PlainTransformer, TunedTransformer  # noqa: E402

SPEC = HERE.parent / "specs" / "mt_tanaka_enja.yaml"
Row = dict[str, Any]


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        program, batches, dev = _program(options, Path(folder))
        tables: dict[str, list[Row]] = {}
        if "train" in options.only:
            tables["training"] = training(program, batches, options)
        if "decode" in options.only:
            tables["decoding"] = decoding(program, batches, dev, options)
    peak = _gemm_peak()
    for name, rows in tables.items():
        print(_markdown(name, rows))
    machine = {"torch": torch.__version__, "gflops_one_thread": round(peak, 1), "peak_mb": _peak_mb()}
    print(json.dumps({"machine": machine, "tables": tables}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", default=None)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["train", "decode"])
    return parser.parse_args()


def _program(options: argparse.Namespace, cache: Path) -> tuple[Any, list[Any], list[Any]]:
    """The built experiment, training batches, and batches of dev sorted by length."""
    from seqspec.compile import compile, recompile
    from seqspec.compile.build import build
    from seqspec.compile.build_data import build_data
    from seqspec.compile.overlay import Overlay
    from seqspec.data.loader import evaluation_loader, training_loader
    from seqspec.data.prepare import prepare

    corpus = f"data.source.root={options.root}" if options.root else "data.source.synthetic=8000"
    overlays = [Overlay.set(corpus)]
    if not options.root:
        overlays.append(Overlay.set("data.text.target.tokenizer.limit=soft"))
    compiled = compile(SPEC, overlays=overlays)
    prepared = prepare(build_data(compiled.plan), cache=cache, splits=["train", "dev"], processes=1)
    compiled = recompile(compiled, facts=dict(prepared.facts))
    batches = list(training_loader(prepared.parts, prepared.splits["train"], stop=options.steps))
    dev = list(evaluation_loader(prepared.parts, prepared.splits["dev"]))
    return build(compiled.plan, tree=compiled.tree), batches, dev


def training(program: Any, batches: list[Any], options: argparse.Namespace) -> list[Row]:
    """Tokens a CPU second of a whole step: forward, backward, clipping, optimiser."""
    torch.manual_seed(0)
    tokens = sum(int(batch.target_lengths.sum()) + len(batch.index) for batch in batches)
    shape = _shape(program)
    program.model.train()
    runs = {
        "seqspec's step": _steps(
            program.model, lambda batch: program.model.loss(batch, program.criterion).total, batches
        ),
        "tuned loop, same batches": _loop(TunedTransformer(**shape), batches),
        "plain loop, random batches": _loop(PlainTransformer(**shape), _at_random(batches)),
    }
    spent = _in_turns(runs, options.repeats)
    tuned = spent["tuned loop, same batches"]
    return [
        {"training": name, "tokens a CPU second": round(tokens / s), "of the tuned loop": f"{tuned / s:.2f}"}
        for name, s in spent.items()
    ]


def _shape(program: Any) -> dict[str, Any]:
    encoder = program.plan.experiment.model.encoder
    model = program.model
    return {
        "source": len(model.embedding.weight_VD),
        "target": len(model.head.weight_VD),
        "dim": encoder.dim,
        "heads": encoder.num_heads,
        "inner": encoder.feed_forward_dim,
        "layers": encoder.num_layers,
        "dropout": encoder.dropout,
    }


def _loop(model: Any, batches: list[Any]) -> Callable[[], None]:
    def loss(batch: Any) -> Any:
        inputs = torch.nn.functional.pad(batch.target, (1, 0), value=2)
        labels = torch.nn.functional.pad(batch.target, (0, 1)).scatter(1, batch.target_lengths[:, None], 3)
        return model.loss(batch.source, batch.source_lengths, inputs, labels)

    return _steps(model, loss, batches)


def _steps(model: Any, loss: Callable[[Any], Any], batches: list[Any]) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), fused=True)

    def run() -> None:
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            (loss(batch) / batch.share).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    return run


def _at_random(batches: list[Any]) -> list[Any]:
    """The pairs of all batches dealt out at random, as many batches as before, padded to the longest."""
    pairs = [
        (b.source[i, : b.source_lengths[i]], b.target[i, : b.target_lengths[i]])
        for b in batches
        for i in range(len(b.index))
    ]
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0)).tolist()
    dealt = []
    for number, batch in enumerate(batches):
        rows = [pairs[place] for place in order[number :: len(batches)]]
        source, target = ([row[side] for row in rows] for side in (0, 1))
        dealt.append(
            batch._replace(
                source=torch.nn.utils.rnn.pad_sequence(source, batch_first=True),
                source_lengths=torch.tensor([len(x) for x in source]),
                target=torch.nn.utils.rnn.pad_sequence(target, batch_first=True),
                target_lengths=torch.tensor([len(x) for x in target]),
                index=torch.arange(len(rows)),
            )
        )
    return dealt


def decoding(program: Any, batches: list[Any], dev: list[Any], options: argparse.Namespace) -> list[Row]:
    """Sentences a CPU second, beam 5, by rule and engine; the weights are those of a few training steps."""
    from seqspec.components.search.beam import Beam
    from seqspec.runtime.engines.ctranslate2 import Ctranslate2
    from seqspec.schema.search.beam import BeamConfig

    _steps(program.model.train(), lambda batch: program.model.loss(batch, program.criterion).total, batches)()
    model, gives = program.model.eval(), program.plan.node("model").gives
    chosen = _first(dev, options.sentences)
    count = sum(len(batch.index) for batch in chosen)
    runs: dict[str, Callable[[], int]] = {}
    for rule in ("exact", "after_n_finished", "best_finished"):
        search = Beam(BeamConfig(size=5, max_tokens=40, stop=rule), gives)
        runs[f"seqspec, stop {rule}"] = _decode(model, search, chosen)
    same = Beam(BeamConfig(size=5, max_tokens=40, stop="after_n_finished"), gives)
    config = program.plan.experiment.model
    for arithmetic in ("float32", "int8"):
        engine = Ctranslate2(model, config, arithmetic=arithmetic, threads=1)
        runs[f"CTranslate2 {arithmetic}"] = _decode(engine, same, chosen)
    spent = _in_turns(runs, options.repeats)
    # Speeds can be compared only between rows whose answers are about as long.
    return [
        {
            "decoding": name,
            "sentences a CPU second": round(count / s, 1),
            "ids an answer": round(runs[name]() / count, 1),
        }
        for name, s in spent.items()
    ]


def _first(batches: list[Any], sentences: int) -> list[Any]:
    chosen: list[Any] = []
    for batch in batches:
        if sum(len(b.index) for b in chosen) < sentences:
            chosen.append(batch)
    return chosen


def _decode(model: Any, search: Any, batches: list[Any]) -> Callable[[], int]:
    def run() -> int:
        with torch.no_grad():
            return sum(len(best.ids) for batch in batches for best, *_ in model.decode(batch, search))

    return run


def _in_turns(runs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each; the order turns round every time."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats):
        for name in list(runs) if turn % 2 == 0 else list(runs)[::-1]:
            start = time.process_time()
            runs[name]()
            spent[name].append(time.process_time() - start)
    return {name: statistics.median(times) for name, times in spent.items()}


def _gemm_peak() -> float:
    a = torch.randn(1024, 1024)
    best = 0.0
    for _ in range(5):
        start = time.process_time()
        a @ a
        best = max(best, 2 * 1024**3 / (time.process_time() - start) / 1e9)
    return best


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _markdown(name: str, rows: list[Row]) -> str:
    head = list(rows[0])
    lines = [f"\n**{name}**\n", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(row[key]) for key in head) + " |" for row in rows)])


if __name__ == "__main__":
    main()

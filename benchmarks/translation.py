"""Translation on a CPU next to joeynmt, OpenNMT-py, Hugging Face's Trainer, plain loops and CTranslate2.

    python benchmarks/translation.py --root FOLDER                       training and decoding
    python benchmarks/translation.py --root FOLDER --quality 300 --seeds 1 2 3

``--root`` is a folder with ``train.en``, ``train.ja``, ``dev.en`` and ``dev.ja``, as ``specs/mt_tanaka_enja.yaml``
reads it; without it a corpus is made up.  Peers are installed under ``--work`` by themselves.  All train the same
model (the spec's) on the same ids, each with its own batching and its own loop; the windows of a contender are a
few steps long, contenders work in turns, in both orders, and medians are given.  A token is a target token that
is no padding, the end of each sentence counted.  With more than one thread read the wall clock's column, and on
a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))

from translation_bench import Bench, machine, trained  # noqa: E402
from translation_child import Child, Gone, Report  # noqa: E402

Row = dict[str, Any]
NAMES = {"joeynmt": "joeynmt", "opennmt": "OpenNMT-py", "transformers": "Hugging Face Trainer with Marian"}
XAVIER = 0.0217
"""Standard deviation of Glorot's uniform values for a table of 4,000 vectors of 256."""


def main() -> None:
    options = _options()
    bench = Bench.of(options)
    tables: dict[str, list[Row]] = {}
    if "train" in options.only:
        tables["training"] = training(bench)
    if "decode" in options.only:
        tables["decoding"] = decoding(bench)
    if options.quality:
        tables["quality"] = quality(bench)
    for name, rows in tables.items():
        print(_markdown(name, rows), flush=True)
    print(json.dumps({"machine": machine(bench), "settings": vars(options), "tables": tables}, default=str))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", default=None)
    parser.add_argument("--work", type=Path, default=Path("build/translation"))
    parser.add_argument("--peers", type=Path, default=Path("build/peers"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6, help="optimiser steps of a window")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=500, help="sentences of dev that are decoded")
    parser.add_argument("--batch", type=int, default=128, help="sentences of a batch when decoding")
    parser.add_argument("--run", type=Path, help="a run of the spec whose weights are decoded with")
    parser.add_argument("--train-seconds", type=float, default=120, help="CPU seconds, where there is no run")
    parser.add_argument("--quality", type=float, default=0, help="CPU seconds that each system trains")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak of the learning rate")
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["train", "decode"])
    parser.add_argument("--bfloat16", action="store_true", help="train in mixed precision as well")
    parser.add_argument("--contenders", type=lambda text: text.split(","), default=None)
    return parser.parse_args()


def training(bench: Bench) -> list[Row]:
    """Windows of every contender in turns."""
    commands = {
        "seqspec run": bench.run(),
        "our step in a bare loop": bench.ours("translation_loops.py", loop="ours"),
        "tuned loop": bench.ours("translation_loops.py", loop="tuned"),
        "plain nn.Transformer loop": bench.ours("translation_loops.py", loop="plain"),
    }
    if bench.options.bfloat16:
        commands["seqspec run in bfloat16"] = [*bench.run(), "--precision", "bfloat16"]
    commands = {name: command for name, command in commands.items() if bench.wants(name)}
    commands |= {NAMES[name]: bench.peer(name, mode="train") for name in bench.pythons}
    products = bench.ours("translation_loops.py", loop="products")
    with ExitStack() as stack:
        gemm, _ = _entered(stack, bench.begin("matrix products", products))
        begun = {name: _entered(stack, bench.begin(name, command)) for name, command in commands.items()}
        running = {name: child for name, (child, _) in begun.items() if child}
        windows: dict[str, list[Report]] = {name: [] for name in running}
        peaks: list[Report] = []
        for turn in range(bench.options.repeats):
            peaks.append(gemm.ask())
            for name in list(running)[:: 1 if turn % 2 == 0 else -1]:
                windows[name].append(running[name].ask(steps=bench.options.steps))
        peaks.append(gemm.ask())
        peak = {key: statistics.median(report[key] for report in peaks) for key in ("per_cpu", "per_wall")}
    return _training_rows(
        bench, windows, {name: (child, first) for name, (child, first) in begun.items()}, peak
    )


def _entered(stack: ExitStack, begun: tuple[Child, Report] | None) -> tuple[Any, Report]:
    if begun is None:
        return None, {}
    stack.enter_context(begun[0])
    return begun


def _training_rows(bench: Bench, windows: Mapping[str, list[Report]], begun: Any, peak: Report) -> list[Row]:
    """``peak`` are operations of matrix products a second; the share of it counts real tokens only."""
    flops = _flops_a_token(bench)
    speeds = {
        name: {
            clock: statistics.median(window["targets"] / window[clock] for window in found)
            for clock in ("cpu", "wall")
        }
        for name, found in windows.items()
    }
    clock = "cpu" if bench.options.threads == 1 else "wall"
    shares = {
        name: statistics.median(
            sum(flops[side] * window[side] for side in flops) / window[clock] / peak[f"per_{clock}"]
            for window in found
        )
        for name, found in windows.items()
    }
    tuned = speeds.get("tuned loop", {}).get(clock)
    rows = []
    for name, speed in speeds.items():
        child, first = begun[name]
        rows.append(
            {
                "training": name,
                "tokens a CPU second": round(speed["cpu"]),
                "tokens a second": round(speed["wall"]),
                "of the tuned loop": f"{speed[clock] / tuned:.2f}" if tuned else "",
                "of the gemm peak": f"{shares[name]:.2f}",
                "padding": f"{statistics.mean(w['padding'] for w in windows[name]):.1%}",
                "peak MB": windows[name][-1]["peak_mb"],
                "first step, s": round(first["at"] - child.begun, 1),
                "first step, CPU s": round(first["process_cpu"], 1),
            }
        )
    return rows


def _flops_a_token(bench: Bench) -> dict[str, float]:
    """Operations of matrix products that one more token of each side costs, forward and backward."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from tuned_transformer import PlainTransformer

    model = PlainTransformer(**bench.shape)

    def counted(sources: int, targets: int) -> int:
        source, target = (torch.full((1, size), 5) for size in (sources, targets))
        with FlopCounterMode(display=False) as counter:
            model.loss(source, torch.tensor([sources]), target, target).backward()
        return int(counter.get_total_flops())

    few = counted(8, 8)
    return {"sources": (counted(16, 8) - few) / 8, "targets": (counted(8, 16) - few) / 8}


def decoding(bench: Bench) -> list[Row]:
    """Sentences a second with the same weights."""
    from translation_corpus import score

    commands = _decoders(bench, bench.options.run or trained(bench, bench.options.train_seconds, seed=1)[0])
    with ExitStack() as stack:
        begun = {
            name: _entered(stack, bench.begin(f"decode {name}", command))
            for name, command in commands.items()
        }
        running = {name: child for name, (child, _) in begun.items() if child}
        windows: dict[str, list[Report]] = {name: [] for name in running}
        for turn in range(bench.options.repeats + 1):
            for name in list(running)[:: 1 if turn % 2 == 0 else -1]:
                if turn == 0 or windows[name]:
                    _decode_once(name, running[name], windows)
    count = len(bench.references)
    # The first turn warms everyone up.
    windows = {name: found[1:] for name, found in windows.items() if len(found) > 1}
    first = next(iter(windows.values()), [])
    rows = []
    for name, found in windows.items():
        answers = found[0]["answers"]
        evaluated = score(bench.found, answers, bench.references)
        same = sum(one == other for one, other in zip(answers, first[0]["answers"], strict=True))
        times = statistics.median(w["cpu"] / ours["cpu"] for w, ours in zip(found, first, strict=False))
        rows.append(
            {
                "decoding": name,
                "sentences a CPU second": round(statistics.median(count / w["cpu"] for w in found), 1),
                "sentences a second": round(statistics.median(count / w["wall"] for w in found), 1),
                "first row is": f"{times:.2f} x",
                **{key: evaluated[key] for key in ("BLEU", "chrF", "ids an answer")},
                "same as first": f"{same / count:.0%}",
                "peak MB": found[-1]["peak_mb"],
                "stops": begun[name][1]["rule"],
            }
        )
    return rows


def _decoders(bench: Bench, run: Path) -> dict[str, list[str]]:
    """Commands that load the weights of ``run`` and decode when they are asked."""
    from translation_corpus import load_weights, write_weights

    program = bench.found.build()
    load_weights(program, run)
    weights = bench.work / "weights.safetensors"
    write_weights(program, weights)
    ways = {f"seqspec {rule}": ("ours", rule) for rule in ("after_n_finished", "exact", "best_finished")}
    ways["no cache"] = ("no cache", "after_n_finished")
    ways |= {f"CTranslate2 {kind}": (kind, "after_n_finished") for kind in ("float32", "int8")}
    commands = {
        name: bench.ours("translation_decoders.py", way=way, stop=rule, run=str(run))
        for name, (way, rule) in ways.items()
        if bench.wants(name)
    }
    return commands | {
        NAMES[name].replace("Trainer with Marian", "generate"): bench.peer(
            name, mode="decode", weights=str(weights)
        )
        for name in bench.pythons
    }


def _decode_once(name: str, child: Child, windows: dict[str, list[Report]]) -> None:
    try:
        windows[name].append(child.ask())
    except Gone as error:
        print(f"{name} is left out: {error}", file=sys.stderr)


def quality(bench: Bench) -> list[Row]:
    """Every system trains for the same CPU seconds, start-up included, and answers dev."""
    from translation_corpus import score

    rows = []
    for seed in bench.options.seeds:
        ours = {"seqspec run": [], "seqspec run with Glorot's embeddings": [f"embedding.std={XAVIER}"]}
        for name, more in ours.items():
            if not bench.wants(name):
                continue
            more = [f"model.{text}" for text in more] + [f"model.decoder.{text}" for text in more]
            run, report = trained(bench, bench.options.quality, seed=seed, more=more)
            command = bench.ours("translation_decoders.py", way="ours", stop="exact", run=str(run))
            begun = bench.begin(f"decode {name}", command)
            if begun:
                rows.append(_quality_row(bench, name, seed, report, begun[0], score))
        for name in bench.pythons:
            begun = bench.begin(f"quality {name}", bench.peer(name, mode="train", seed=seed))
            if begun:
                report = begun[0].ask(until_cpu=bench.options.quality)
                begun[0].ask(stop=True)
                rows.append(_quality_row(bench, NAMES[name], seed, report, begun[0], score))
    return rows


def _quality_row(bench: Bench, name: str, seed: int, report: Report, child: Child, score: Any) -> Row:
    with child:
        evaluated = score(bench.found, child.ask()["answers"], bench.references)
    row = {
        "system": name,
        "seed": seed,
        "CPU s": round(report["process_cpu"]),
        "target tokens": report["seen"],
    }
    print(json.dumps(row | evaluated), file=sys.stderr, flush=True)
    return row | evaluated


def _markdown(name: str, rows: list[Row]) -> str:
    head = list(rows[0])
    lines = [f"\n**{name}**\n", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(row[key]) for key in head) + " |" for row in rows)])


if __name__ == "__main__":
    main()

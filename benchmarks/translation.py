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
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))

from translation_child import Child, Gone, Report, start  # noqa: E402
from translation_environments import PEERS, install, versions  # noqa: E402

Row = dict[str, Any]
NAMES = {"joeynmt": "joeynmt", "opennmt": "OpenNMT-py", "transformers": "Hugging Face Trainer, Marian"}
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
    print(json.dumps({"machine": _machine(bench), "settings": vars(options), "tables": tables}, default=str))


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
    parser.add_argument("--contenders", type=lambda text: text.split(","), default=None)
    return parser.parse_args()


class Bench(NamedTuple):
    """What all tables share."""

    options: argparse.Namespace
    work: Path
    sets: list[str]
    found: Any
    shape: dict[str, Any]
    references: list[str]
    pythons: dict[str, Path]

    @classmethod
    def of(cls, options: argparse.Namespace) -> Bench:
        from translation_corpus import experiment, shape, write_corpus

        sets = [
            f"data.source.root={Path(options.root).resolve()}"
            if options.root
            else "data.source.synthetic=8000",
            f"optimizer.schedule.peak={options.rate}",
            f"optimizer.schedule.warmup_steps={options.warmup}",
            "train.max_steps=1000000",
            "evaluate.every_steps=1000000",
        ]
        if not options.root:
            sets.append("data.text.target.tokenizer.limit=soft")
        work = options.work.resolve()
        found = experiment(sets, cache=work / "cache")
        sizes = shape(found.build())
        both = {side: sizes[side] for side in ("source", "target")}
        references = write_corpus(found, work / "corpus", sizes=both, sentences=options.sentences)
        asked = [name for name in PEERS if options.contenders is None or name in options.contenders]
        pythons = {name: install(name, options.peers.resolve()) for name in asked}
        there = {name: python for name, python in pythons.items() if python}
        return cls(options, work, sets, found, sizes, references, there)

    def wants(self, name: str) -> bool:
        """Whether a contender of ours is asked for."""
        return self.options.contenders is None or name in self.options.contenders

    def begin(self, name: str, command: list[str]) -> tuple[Child, Report] | None:
        """A contender that has done its first step, or has loaded its model."""
        place = self.work / "logs" / f"{name.replace(' ', '_').replace('/', '_')}.log"
        cache = {"SEQSPEC_CACHE": str(self.work / "cache")}
        return start(name, command, threads=self.options.threads, log=place, environment=cache)

    def ours(self, script: str, **given: Any) -> list[str]:
        """The command of a contender in this environment."""
        shared = {
            "sets": self.sets,
            "cache": str(self.work / "cache"),
            "corpus": str(self.work / "corpus"),
            "seed": 1,
        }
        return [sys.executable, str(HERE / "peers" / script), json.dumps(shared | self._given() | given)]

    def peer(self, name: str, **given: Any) -> list[str]:
        """The command of a peer."""
        shared = {
            "corpus": str(self.work / "corpus"),
            "out": str(self.work / name),
            "shape": self.shape,
            "seed": 1,
            "tokens": int(self.found.compiled.plan.experiment.data.batch.size),
            "rate": self.options.rate,
            "warmup": self.options.warmup,
        }
        script = HERE / "peers" / f"translation_{name}.py"
        return [str(self.pythons[name]), str(script), json.dumps(shared | self._given() | given)]

    def run(self, *more: str, runs: str = "runs") -> list[str]:
        """``seqspec run`` on the spec."""
        from translation_corpus import SPEC

        sets = [text for value in (*self.sets, *more) for text in ("--set", value)]
        places = ["--runs", str(self.work / runs), "--threads", str(self.options.threads)]
        return [
            sys.executable,
            str(HERE / "peers" / "translation_seqspec.py"),
            "run",
            str(SPEC),
            *sets,
            *places,
        ]

    def _given(self) -> dict[str, Any]:
        return {
            "threads": self.options.threads,
            "sentences": self.options.batch,
            "beam": 5,
            "longest": 60,
        }


def training(bench: Bench) -> list[Row]:
    """Windows of every contender in turns."""
    commands = {
        "seqspec run": bench.run(),
        "our step, bare loop": bench.ours("translation_loops.py", loop="ours"),
        "tuned loop, same batches": bench.ours("translation_loops.py", loop="tuned"),
        "plain nn.Transformer loop, random batches": bench.ours("translation_loops.py", loop="plain"),
    }
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
        peak = {key: max(report[key] for report in peaks) for key in ("per_cpu", "per_wall")}
    return _training_rows(
        bench, windows, {name: (child, first) for name, (child, first) in begun.items()}, peak
    )


def _entered(stack: ExitStack, begun: tuple[Child, Report] | None) -> tuple[Any, Report]:
    if begun is None:
        return None, {}
    stack.enter_context(begun[0])
    return begun


def _training_rows(bench: Bench, windows: Mapping[str, list[Report]], begun: Any, peak: Report) -> list[Row]:
    """``peak`` in billions of operations; three passes of two operations a weight and token, roughly, are 37
    million operations a target token of this model and corpus, counted by torch.
    """
    flops = _flops_a_token(bench)
    speeds = {
        name: {
            clock: statistics.median(window["targets"] / window[clock] for window in found)
            for clock in ("cpu", "wall")
        }
        for name, found in windows.items()
    }
    clock = "cpu" if bench.options.threads == 1 else "wall"
    tuned = speeds.get("tuned loop, same batches", {}).get(clock)
    rows = []
    for name, speed in speeds.items():
        child, first = begun[name]
        rows.append(
            {
                "training": name,
                "tokens a CPU second": round(speed["cpu"]),
                "tokens a second": round(speed["wall"]),
                "of the tuned loop": f"{speed[clock] / tuned:.2f}" if tuned else "",
                "of the gemm peak": f"{speed[clock] * flops / peak[f'per_{clock}']:.2f}",
                "padding": f"{statistics.mean(w['padding'] for w in windows[name]):.1%}",
                "peak MB": windows[name][-1]["peak_mb"],
                "first step, s": round(first["at"] - child.begun, 1),
                "first step, CPU s": round(first["process_cpu"], 1),
            }
        )
    return rows


def _flops_a_token(bench: Bench) -> float:
    """Billions of operations of matrix products a target token, forward and backward, on one batch of the run."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from translation_loops import _teacher_forced
    from tuned_transformer import PlainTransformer

    batch = next(iter(bench.found.batches(stop=1)))
    model = PlainTransformer(**bench.shape)
    torch.set_num_threads(1)
    # The plain model pads to the longest, so only the places of this well filled batch count.
    with FlopCounterMode(display=False) as counter:
        _teacher_forced(model)(batch).backward()
    targets = int(batch.target_lengths.sum()) + len(batch.index)
    return float(counter.get_total_flops()) / targets / 1e9


def decoding(bench: Bench) -> list[Row]:
    """Sentences a second with the same weights."""
    from translation_corpus import load_weights, score, write_weights

    run = bench.options.run or trained(bench, bench.options.train_seconds, seed=1)[0]
    program = bench.found.build()
    load_weights(program, run)
    write_weights(program, bench.work / "weights.safetensors")
    weights = str(bench.work / "weights.safetensors")
    commands = {
        f"seqspec, {rule}": bench.ours("translation_decoders.py", way="ours", stop=rule, run=str(run))
        for rule in ("exact", "after_n_finished", "best_finished")
    }
    for way in ("no cache", "float32", "int8"):
        name = way if way == "no cache" else f"CTranslate2 {way}"
        commands[name] = bench.ours("translation_decoders.py", way=way, stop="after_n_finished", run=str(run))
    named = {name: command for name, command in commands.items() if bench.wants(name)}
    named |= {
        NAMES[name].replace("Trainer, Marian", "generate"): bench.peer(name, mode="decode", weights=weights)
        for name in bench.pythons
    }
    with ExitStack() as stack:
        begun = {
            name: _entered(stack, bench.begin(f"decode {name}", command)) for name, command in named.items()
        }
        running = {name: child for name, (child, _) in begun.items() if child}
        windows: dict[str, list[Report]] = {name: [] for name in running}
        for turn in range(bench.options.repeats):
            for name in list(running)[:: 1 if turn % 2 == 0 else -1]:
                if turn == 0 or windows[name]:
                    _decode_once(name, running[name], windows)
    count = len(bench.references)
    rows = []
    for name, found in windows.items():
        if not found:
            continue
        judged = score(bench.found, found[0]["answers"], bench.references)
        rows.append(
            {
                "decoding": name,
                "sentences a CPU second": round(statistics.median(count / w["cpu"] for w in found), 1),
                "sentences a second": round(statistics.median(count / w["wall"] for w in found), 1),
                **{key: judged[key] for key in ("BLEU", "chrF", "ids an answer")},
                "stops": begun[name][1]["rule"],
            }
        )
    return rows


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
        ours = {"seqspec run": [], "seqspec run, Glorot's embeddings": [f"embedding.std={XAVIER}"]}
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
        judged = score(bench.found, child.ask()["answers"], bench.references)
    row = {
        "system": name,
        "seed": seed,
        "CPU s": round(report["process_cpu"]),
        "target tokens": report["seen"],
    }
    print(json.dumps(row | judged), file=sys.stderr, flush=True)
    return row | judged


def trained(bench: Bench, seconds: float, *, seed: int, more: list[str] | None = None) -> tuple[Path, Report]:
    """The run directory of ``seqspec run`` after so many CPU seconds."""
    runs = f"runs-{os.getpid()}"
    before = set((bench.work / runs).glob("*/*"))
    begun = bench.begin("seqspec run", bench.run(f"seed={seed}", *(more or []), runs=runs))
    if begun is None:
        raise SystemExit("the run did not start")
    with begun[0] as child:
        report = child.ask(until_cpu=seconds)
        child.tell(stop=True)
        try:
            child.process.wait(timeout=600)
        except subprocess.TimeoutExpired:
            raise SystemExit("the run did not stop") from None
    (made,) = set((bench.work / runs).glob("*/*")) - before
    return made, report


def _machine(bench: Bench) -> dict[str, Any]:
    import torch

    asked = {
        "joeynmt": ("joeynmt",),
        "opennmt": ("OpenNMT-py",),
        "transformers": ("transformers", "accelerate"),
    }
    found = {"torch": torch.__version__, "python": platform.python_version(), "cores": os.cpu_count()}
    for name, python in bench.pythons.items():
        found |= versions(python, asked[name])
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return found | {"cpu": cpu[0].split(": ")[1] if cpu else "", "load": os.getloadavg()[0]}


def _markdown(name: str, rows: list[Row]) -> str:
    head = list(rows[0])
    lines = [f"\n**{name}**\n", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(row[key]) for key in head) + " |" for row in rows)])


if __name__ == "__main__":
    main()

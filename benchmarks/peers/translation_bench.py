"""What the tables of ``benchmarks/translation.py`` share: the corpus, the contenders' commands, the machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from translation_child import Child, Report, start
from translation_corpus import SPEC, experiment, shape, write_corpus
from translation_environments import PEERS, install, versions

HERE = Path(__file__).resolve().parent
ASKED = {"joeynmt": ("joeynmt",), "opennmt": ("OpenNMT-py",), "transformers": ("transformers", "accelerate")}


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
        return [sys.executable, str(HERE / script), json.dumps(shared | self._given() | given)]

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
        script = HERE / f"translation_{name}.py"
        return [str(self.pythons[name]), str(script), json.dumps(shared | self._given() | given)]

    def run(self, *more: str, runs: str = "runs") -> list[str]:
        """``seqspec run`` on the spec."""
        sets = [text for value in (*self.sets, *more) for text in ("--set", value)]
        places = ["--runs", str(self.work / runs), "--threads", str(self.options.threads)]
        return [
            sys.executable,
            str(HERE / "translation_seqspec.py"),
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
            "longest": 40,
        }


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


def machine(bench: Bench) -> dict[str, Any]:
    import torch

    found = {"torch": torch.__version__, "python": platform.python_version(), "cores": os.cpu_count()}
    for name, python in bench.pythons.items():
        found |= versions(python, ASKED[name])
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return found | {"cpu": cpu[0].split(": ")[1] if cpu else "", "load": os.getloadavg()[0]}

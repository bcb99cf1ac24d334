"""Runs that are killed: tiny experiments of three families, each trial in a forked child, torch imported
once.

A trial is one run directory.  The child trains; the parent kills its whole process group whenever it likes,
and starts it again until it comes to its end.  What is left is compared with a run that nobody disturbed:
weights, optimiser state, journal, steps.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

COMMON = {
    "seqspec": 1,
    "seed": 3,
    "optimizer": {"type": "adamw", "schedule": {"type": "inverse_sqrt", "peak": 0.003, "warmup_steps": 4}},
    "train": {"max_steps": 24, "checkpoint_every_steps": 4, "log_every_steps": 3, "clip_norm": 1.0},
}
TRANSFORMER = {"type": "transformer", "num_layers": 1, "dim": 16, "num_heads": 2, "dropout": 0.1}
CHARACTERS = {"tokenizer": {"type": "characters"}}

FAMILIES: dict[str, dict[str, Any]] = {
    "seq2seq": {
        "data": {
            "source": {"type": "bitext", "synthetic": 80, "source_language": "de", "target_language": "en"},
            "text": {"source": CHARACTERS, "target": CHARACTERS},
            "batch": {"unit": "tokens", "size": 256},
        },
        "model": {"type": "encoder_decoder", "encoder": TRANSFORMER, "decoder": TRANSFORMER},
        "evaluate": {"every_steps": 8, "splits": ["dev"], "search": {"type": "greedy", "max_tokens": 8},
                     "max_examples": 4, "metrics": ["cer", "perplexity"]},
    },
    "lm": {
        "data": {
            "source": {"type": "lines", "synthetic": 80, "language": "en",
                       "splits": {"train": "input.txt"}, "cut": {"train": 0.9, "dev": 0.1}},
            "text": {"target": CHARACTERS},
            "pack": {"length": 24, "document_mask": False, "sample": "offsets"},
            "batch": {"unit": "examples", "size": 6},
        },
        "model": {"type": "language_model", "decoder": TRANSFORMER},
        "evaluate": {"every_steps": 8, "splits": ["dev"], "metrics": ["perplexity"]},
    },
    "ctc": {
        "data": {
            "source": {"type": "librispeech", "synthetic": 24},
            "text": {"target": CHARACTERS},
            "audio": {"features": {"type": "log_mel", "num_bins": 20},
                      "augment": [{"type": "spec_augment", "num_bin_masks": 1, "max_bins": 4,
                                   "num_time_masks": 1, "max_frames": 5}]},
            "filter": {"max_seconds": 20.0},
            "batch": {"unit": "seconds", "size": 60.0},
        },
        "model": {"type": "ctc", "encoder": {"type": "conv_lstm", "channels": [4, 4], "time_strides": [2, 1],
                                             "num_layers": 1, "dim": 16, "dropout": 0.1}},
        "loss": "ctc",
        "evaluate": {"every_steps": 8, "splits": ["dev"], "metrics": ["cer"], "max_examples": 3},
    },
}  # fmt: skip


def spec_of(family: str, **train: Any) -> dict[str, Any]:
    """The experiment of a family; ``train`` goes over its training settings."""
    settings: dict[str, Any] = {**COMMON["train"], **train}  # type: ignore[dict-item]
    return {"name": family, **COMMON, **FAMILIES[family], "train": settings}


@dataclass(frozen=True)
class Ended:
    """How a trial was left."""

    digest: str
    journal: bytes
    step: int
    kills: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)

    def same(self, other: Ended) -> bool:
        """Bit for bit."""
        return (self.digest, self.journal, self.step) == (other.digest, other.journal, other.step)


@dataclass(frozen=True)
class Laboratory:
    """Where trials take place; importing this is cheap, making one loads torch.

    It belongs into a process that does nothing else: children of a fork inherit no thread, so that none may
    be at work here, and least of all autograd's.
    """

    root: Path
    references: dict[str, tuple[Path, Ended, float]] = field(default_factory=dict, compare=False)
    """Experiments that several rows use, how they end undisturbed, and how long that takes."""

    @classmethod
    def make(cls, root: Path) -> Laboratory:
        """Load what children will need, once, and keep every pool of threads away from the fork."""
        os.environ["SEQSPEC_CACHE"] = str(root / "cache")
        import torch

        torch.set_num_threads(1)
        import seqspec.runtime.run
        import seqspec.runtime.training.trainer  # noqa: F401

        (root / "runs").mkdir(parents=True, exist_ok=True)
        return cls(root)

    def spec(self, name: str, content: Mapping[str, Any]) -> Path:
        """Write an experiment down."""
        path = self.root / f"{name}.yaml"
        # Through JSON, so that equal parts are written out and not aliased.
        path.write_text(yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False))
        return path

    def child(
        self, work: Callable[[], int], *, log: Path | None = None, env: Mapping[str, str] | None = None
    ) -> int:
        """Fork a process group of its own that does ``work`` and leaves with its result; gives its number."""
        sys.stdout.flush()
        sys.stderr.flush()
        number = os.fork()
        if number:
            return number
        code = 99
        try:
            os.setpgid(0, 0)
            target = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(target, 1)
            os.dup2(target, 2)
            os.environ.update(env or {})
            code = work()
        except KeyboardInterrupt:
            code = 130
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def begin(self, spec: Path, runs: Path, **launch: Any) -> Callable[[], int]:
        """Work for a child: a new run, or the resumption of the one under ``runs``."""

        def work() -> int:
            from seqspec.runtime.commands import runs as commands
            from seqspec.runtime.devices.launch import Launch

            found = run_folder(runs)
            settings = Launch(threads=1, device="cpu", quiet=True, **launch)
            outcome = commands.run(
                None if found else spec, over=(), runs=runs, resume=found, locked=False, lock=None,
                allow_drift=False,
                launch=settings, format="text", command=["seqspec", "run"],
            )  # fmt: skip
            sys.stderr.write(outcome.error)
            return int(outcome.exit)

        return work

    def finish(self, spec: Path, runs: Path, *, kills: int = 0, seconds: float = 1.0, seed: int = 0,
               env: Mapping[str, str] | None = None, **launch: Any) -> Ended:  # fmt: skip
        """Run to the end through ``kills`` kill -9 at random times in the first ``seconds``."""
        random_ = random.Random(seed)
        done = 0
        for _ in range(kills):
            number = self.child(self.begin(spec, runs, **launch), log=runs.with_suffix(".log"), env=env)
            # Half of the kills reach the loader processes too, half leave them to find out for themselves.
            done += kill_after(number, random_.uniform(0, seconds), group=random_.random() < 0.5)
        codes = []
        for _ in range(3):
            number = self.child(self.begin(spec, runs, **launch), log=runs.with_suffix(".log"), env=env)
            codes.append(wait(number))
            if codes[-1] == 0:
                return ended(runs, kills=done)
        told = runs.with_suffix(".log").read_text(errors="replace").splitlines()[-12:]
        raise AssertionError("\n".join([f"{runs.name} does not come to its end: exit codes {codes}", *told]))


@cache
def laboratory(root: Path) -> Laboratory:
    """The one laboratory of this process below ``root``."""
    return Laboratory.make(root)


def in_laboratory(root: Path, work: Callable[..., Any], **named: Any) -> Any:
    """``work`` there; a process that was started for it is asked by this."""
    return work(laboratory(root), **named)


def run_folder(runs: Path) -> Path | None:
    """The one run directory under ``runs`` that can be resumed; what died before it was described is taken
    away.
    """
    import shutil

    for path in sorted(runs.glob("*/[!.]*")):
        if all((path / name).is_file() for name in ("spec.yaml", "lock.json", "facts.json")):
            return path
        shutil.rmtree(path)
    return None


def ended(runs: Path, *, kills: int = 0) -> Ended:
    """What a trial left behind."""
    from seqspec.runtime.checkpoints.retention import newest_sound
    from seqspec.runtime.checkpoints.tensor_file import digest_all

    path = run_folder(runs)
    assert path is not None
    last = newest_sound(path / "checkpoints", lambda text: None)
    assert last is not None
    tensors = {f"{file}/{name}": t for file, held in last.tensors.items() for name, t in held.items()}
    return Ended(digest_all(tensors), (path / "metrics.jsonl").read_bytes(), last.step, kills, last.state)


def wait(number: int, *, timeout: float = 300.0) -> int:
    """The exit code of a child; minus the signal that ended it."""
    deadline = time.monotonic() + timeout
    while True:
        found, status = os.waitpid(number, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            _signal(number, signal.SIGKILL)
        time.sleep(0.002)


def kill_after(number: int, seconds: float, sent: int = signal.SIGKILL, *, group: bool = True) -> bool:
    """Signal a child, or its whole process group, after a while; says whether the child was still there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found, _ = os.waitpid(number, os.WNOHANG)
        if found:
            return False
        time.sleep(0.001)
    if group:
        _signal(number, sent)
    else:
        os.kill(number, sent)
    if sent == signal.SIGKILL:
        os.waitpid(number, 0)
    return True


def _signal(number: int, sent: int) -> None:
    try:
        os.killpg(number, sent)
    except ProcessLookupError:
        os.kill(number, sent)

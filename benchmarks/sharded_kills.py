"""Runs of several processes that are killed from outside, at random moments: is a step lost, or a bit?

    python benchmarks/sharded_kills.py --strategy fsdp --processes 2 --seconds 180
    python benchmarks/sharded_kills.py --strategy fsdp --processes 4 --tensor-parallel 2 --seconds 420
    python benchmarks/sharded_kills.py --strategy diloco --processes 4 --seconds 180
    python benchmarks/sharded_kills.py --strategy diloco --processes 4 --interval 60 --steps 4000 --kills 5

One run is left alone.  Then the same run is made again and again: its processes get SIGKILL at a random
moment, all at once or one of them alone, and ``--resume auto`` goes on, until the run is over; what is left has
to be the undisturbed run's, to the bit: weights, optimiser, moving average, journal.  At least one run
is brought to its end, however long that takes.  With ``--interval`` it is one process each time, so many seconds
after they were last started.  Processes are forked from one that has imported everything
and trained once, alone, so that little but the run itself is paid for.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import torch._dynamo  # noqa: F401  torch loads it when processes are first connected

import seqspec.runtime.run
import seqspec.runtime.training.strategies.two_axis_model
from seqspec.cli import main as main_of_seqspec
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.devices.launch import Launch

SPEC = """\
seqspec: 1
name: killed
data:
  source: {type: lines, synthetic: 40, language: en, splits: {train: input.txt}, cut: {train: 0.9, dev: 0.1}}
  text: {target: {tokenizer: bytes}}
  pack: {length: 12, document_mask: false, sample: offsets}
  batch: {unit: examples, size: 8}
model:
  type: language_model
  tie: target
  decoder: {type: transformer, num_layers: 1, dim: 16, num_heads: 4, dropout: 0.1, attention_dropout: 0.1}
  head: {type: linear}
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-2}}
train:
  {max_steps: 8, clip_norm: 0.5, ema: 0.9, checkpoint_every_steps: 2, log_every_steps: 1, accumulate: 2}
evaluate: {every_steps: 4, splits: [dev], metrics: [perplexity]}
"""
APART = "procedure: {{type: diloco, replicas: 4, every: 4, exchange: {}}}\n"
"""With ``--strategy diloco``: of the checkpoints of 8 steps two are written between two meetings."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--strategy", choices=("ddp", "fsdp", "tp", "diloco"), default="fsdp")
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--tensor-parallel", type=int, help="with --strategy tp or fsdp: processes of a group")
    asked.add_argument("--exchange", default="sign", help="with --strategy diloco: form of what is sent")
    asked.add_argument("--interval", type=float, help="kill one process after so many seconds, not at random")
    asked.add_argument("--steps", type=int, default=8, help="of a run, a multiple of 4")
    asked.add_argument("--kills", type=int, default=1_000_000, help="no more after so many")
    asked.add_argument("--seconds", type=float, default=180.0)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    draw = random.Random(given.seed)
    count = {"kills": 0, "of_one_process": 0, "runs": 0, "different": 0, "refused": 0}
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(prefix="seqspec-kills-") as folder:
        spec = Path(folder) / "killed.yaml"
        spec.write_text(SPEC + APART.format(given.exchange) * (given.strategy == "diloco"))
        warm(spec, Path(folder) / "warm")
        begun = time.monotonic()
        code = finish(start(spec, Path(folder) / "alone", given))
        if any(code):
            sys.exit(f"the undisturbed run came to {code}")
        alone, length = bits(Path(folder) / "alone"), time.monotonic() - begun
        end = time.monotonic() + given.seconds
        while not count["runs"] or (time.monotonic() < end and count["kills"] < given.kills):
            runs = Path(folder) / f"killed-{count['runs']}"
            begun, quiet = time.monotonic(), False
            while not disturbed(start(spec, runs, given), draw, length, count, given.interval, quiet=quiet):
                quiet = time.monotonic() > end or count["kills"] >= given.kills
            seconds.append(round(time.monotonic() - begun, 1))
            count["runs"] += 1
            count["different"] += bits(runs) != alone
    used = os.times()
    taken = {"seconds_alone": round(length, 1), "cpu": round(used.children_user + used.children_system)}
    if given.interval:
        taken["seconds_disturbed"] = seconds
    print(json.dumps({**vars(given), **count, **taken}))


def warm(spec: Path, runs: Path) -> None:
    """Train once in this process."""
    seqspec.runtime.run.run(compile_spec(spec), runs=runs, launch=Launch(device="cpu", threads=1, quiet=True))


class Process:
    """One of the processes of a run, forked; it does what the command line says."""

    def __init__(self, arguments: list[str], place: dict[str, str], log: Path) -> None:
        self.code: int | None = None
        self.pid = os.fork()
        if not self.pid:
            with log.open("ab") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.environ.update(place)
            sys.argv = ["seqspec", *arguments]
            code = 1
            try:
                main_of_seqspec()
                code = 0
            except SystemExit as error:
                code = int(error.code or 0)
            finally:
                os._exit(code)

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> int:
        """The exit code; one that takes longer is killed."""
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                self.kill()
            time.sleep(0.01)
        assert self.code is not None
        return self.code


def start(spec: Path, runs: Path, given: argparse.Namespace) -> list[Process]:
    """As a launcher starts them: each process knows its place, and none is another's child."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["run", str(spec), "--runs", str(runs), "--resume", "auto",
                 "--device", "cpu", "--threads", "1", "--quiet"]  # fmt: skip
    arguments += ["--set", f"train.max_steps={given.steps}", "--set", f"evaluate.every_steps={given.steps // 2}",
                  "--set", f"train.checkpoint_every_steps={max(2, given.steps // 40)}"]  # fmt: skip
    if given.strategy != "diloco":
        arguments += ["--strategy", given.strategy]
    if given.tensor_parallel:
        arguments += ["--tensor-parallel", str(given.tensor_parallel)]
    shared = {"WORLD_SIZE": str(given.processes), "LOCAL_WORLD_SIZE": str(given.processes),
              "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}  # fmt: skip
    return [
        Process(
            arguments, {**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}, spec.parent / f"{rank}.log"
        )
        for rank in range(given.processes)
    ]


def disturbed(
    processes: list[Process],
    draw: random.Random,
    length: float,
    count: dict[str, int],
    interval: float | None,
    *,
    quiet: bool,
) -> bool:
    """Kill at a random moment, or one process after ``interval``, unless ``quiet``; gives whether the run came
    to its end before that.
    """
    if quiet:
        return ended(finish(processes), count)
    moment = time.monotonic() + (interval or draw.uniform(0, length))
    while time.monotonic() < moment and any(one.poll() is None for one in processes):
        time.sleep(0.01)
    alive = [one for one in processes if one.poll() is None]
    if not alive:
        return ended(finish(processes), count)
    alone = bool(interval) or draw.random() < 0.3
    for one in [draw.choice(alive)] if alone else alive:
        one.kill()
    count["kills"] += 1
    count["of_one_process"] += alone
    finish(processes, first=60)  # The others find their neighbour gone, or wait in vain for it to come.
    return False


def ended(codes: list[int], count: dict[str, int]) -> bool:
    """Whether all came to the end; a run that does not go on by itself is counted, and breaks off."""
    if any(codes):
        count["refused"] += 1
        sys.exit(f"a run did not go on: {codes}; {json.dumps(count)}")
    return True


def finish(processes: list[Process], *, first: float = 600) -> list[int]:
    """Exit codes.  One that outlives its neighbour's death by a minute is ended."""
    return [one.wait(60 if index else first) for index, one in enumerate(processes)]


def bits(runs: Path) -> dict[str, bytes]:
    """What a run has left: its journal, and every tensor of its last checkpoint."""
    (path,) = runs.glob("*/2*")
    files = [path / "metrics.jsonl", *max(path.glob("checkpoints/step-*")).glob("*.safetensors")]
    return {file.name: file.read_bytes() for file in files}


if __name__ == "__main__":
    main()

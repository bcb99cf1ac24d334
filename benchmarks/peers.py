r"""Peers that join, leave and are killed, beside one process: the same bits, and who did how much.

    python benchmarks/peers.py --steps 60 --peers 3 --interval 10
    python benchmarks/peers.py --steps 60 --set train.accumulate=1 \
        --set "procedure={type: diloco, replicas: 4, every: 5, exchange: int4}"

The character model of ``specs/lm_shakespeare_char.yaml`` on made-up text, a batch of 384 in sixteen
micro-batches.  The last peer stands still three quarters of the time (SIGSTOP and SIGCONT), so that it is a
quarter as fast.  In the last row a random peer is killed by SIGKILL every ``--interval`` seconds, and started
again three seconds later by the same command with ``--resume auto``; one more joins after half the time that
one process takes; nobody is killed once one is done.  Compared are ``metrics.jsonl`` and every file of the last
checkpoint; told is what each peer has done by its own account, which a life that was killed cannot give.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

SPEC = Path(__file__).parents[1] / "specs" / "lm_shakespeare_char.yaml"
PERIOD = 0.4
"""Seconds in which a slow peer runs once."""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=60)
    options.add_argument("--peers", type=int, default=3)
    options.add_argument("--interval", type=float, default=10.0)
    options.add_argument("--set", action="append", default=[], help="as for `seqspec run`, for all")
    options.add_argument("--place", help="where they meet, such as s3://BUCKET/FOLDER; left out, a folder")
    given = options.parse_args()
    work = Path(tempfile.mkdtemp(prefix="peers-"))
    alone = Team(work / "alone", given.steps, None, given.set)
    seconds = alone.run(1)
    print(json.dumps({"row": "one process", "seconds": round(seconds, 1)}))
    for row, interval in (("uneven", None), ("uneven, killed", given.interval)):
        name = row.replace(", ", "-")
        team = Team(work / name, given.steps, given.place or str(work / f"meet-{name}"), given.set)
        spent = team.run(given.peers, slow=True, interval=interval, joins=seconds / 2 if interval else None)
        print(json.dumps({"row": row, "seconds": round(spent, 1), "kills": team.kills, "did": team.told(),
                          "same bits": [_bits(alone.runs[0]) == _bits(run) for run in team.runs]}))  # fmt: skip


class Team:
    """Peers of one run, each with a folder of its own."""

    def __init__(self, work: Path, steps: int, place: str | None, sets: Sequence[str]) -> None:
        work.mkdir()
        self.work, self.steps, self.place, self.sets = work, steps, place, sets
        self.runs: list[Path] = []
        self.kills = 0
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, number: int) -> None:
        runs = self.work / str(number)
        if runs not in self.runs:
            self.runs.append(runs)
        settings = {"train.max_steps": self.steps, "train.checkpoint_every_steps": max(1, self.steps // 6),
                    "train.accumulate": 16, "data.batch.size": 384, "evaluate.every_steps": self.steps,
                    "data.source.synthetic": 400}  # fmt: skip
        command = [sys.executable, "-m", "seqspec", "run", str(SPEC), "--quiet", "--threads", "1",
                   "--runs", str(runs), "--resume", "auto"]  # fmt: skip
        command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        command += [word for one in self.sets for word in ("--set", one)]
        command += ["--peers", self.place] if self.place else []
        with (self.work / f"{number}.err").open("ab") as errors:
            self._processes[number] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)

    def run(
        self, peers: int, *, slow: bool = False, interval: float | None = None, joins: float | None = None
    ) -> float:
        """Seconds until the last has ended."""
        begun = time.monotonic()
        for number in range(peers):
            self.start(number)
        ended = threading.Event()
        if slow:
            threading.Thread(target=self._slow, args=(peers - 1, ended), daemon=True).start()
        choose, killed = random.Random(1), begun
        while any(process.poll() is None for process in self._processes.values()):
            time.sleep(0.1)
            now = time.monotonic()
            if joins and now - begun > joins:
                joins = None
                self.start(peers)
            done = any(process.poll() == 0 for process in self._processes.values())
            if interval and now - killed > interval and not done:
                killed = now
                alive = [number for number, one in self._processes.items() if one.poll() is None]
                victim = choose.choice(alive)
                self._processes[victim].kill()
                self.kills += 1
                threading.Timer(3.0, self.start, [victim]).start()
                time.sleep(3.5)
        ended.set()
        codes = {number: one.returncode for number, one in self._processes.items()}
        assert not any(codes.values()), codes
        return time.monotonic() - begun

    def _slow(self, number: int, ended: threading.Event) -> None:
        while not ended.is_set():
            for sent, share in ((signal.SIGSTOP, 0.75), (signal.SIGCONT, 0.25)):
                process = self._processes[number]
                if process.poll() is None:
                    os.kill(process.pid, sent)
                time.sleep(share * PERIOD)

    def told(self) -> list[list[int]]:
        """Micro-batches that each has done, life for life of those that lived to tell."""
        texts = [(self.work / f"{run.name}.err").read_text(encoding="utf-8") for run in self.runs]
        return [
            [int(one.replace(",", "")) for one in re.findall(r"worked out ([\d,]+) of", text)]
            for text in texts
        ]


def _bits(runs: Path) -> dict[str, bytes]:
    (run,) = runs.glob("*/2*")
    files = [run / "metrics.jsonl", *max(run.glob("checkpoints/step-*")).iterdir()]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


if __name__ == "__main__":
    main()

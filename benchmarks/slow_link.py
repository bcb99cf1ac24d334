"""Two machines over a slow link: is the time of sending hidden by the steps that are taken meanwhile?

    python benchmarks/slow_link.py --megabits 0.4 --repeats 3

Two processes play a replica of `diloco` each, a small character Transformer on made-up text.  Each lives in a network
namespace of its own (Linux, where users may make such), and a pair of `veth` devices between them lets so many
millions of bits a second through, each way (`tc` with `tbf`).  Three ways take turns: a link that is a thousand times
as fast, where nothing needs to be hidden; the slow one, where all wait for what is sent; the slow one with
``overlap``.  A step is ``--pause`` seconds longer than the processor computes, as where an accelerator does, so that
other work on this machine decides little.  Seconds are those between the first two lines of the journal, and of them
those that the first process waited for what the other sent; the meeting after the last step is not in them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from seqspec.cli import main as main_of_seqspec
from seqspec.runtime.training.strategies.replicas import Replicas

SPEC = Path(__file__).parents[1] / "specs" / "lm_shakespeare_char.yaml"
ADDRESSES = ("10.99.0.1", "10.99.0.2")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--megabits", type=float, default=0.4, help="of a second, each way")
    asked.add_argument("--every", type=int, default=10)
    asked.add_argument("--fragments", type=int, default=1)
    asked.add_argument("--overlap", type=int, default=10)
    asked.add_argument("--exchange", default="float32")
    asked.add_argument("--steps", type=int, default=30, help="that are timed")
    asked.add_argument(
        "--pause", type=float, default=0.2, help="seconds of each step in which nothing is computed here"
    )
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument("--inside", type=float, help=argparse.SUPPRESS)
    asked.add_argument("--run", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.run:
        run_with_pauses(given.run, given.pause)
    if given.inside:
        print(json.dumps(timed(given, given.inside)))
        return
    slow = given.megabits
    ways = {"fast": (1000 * slow, 0), "waits": (slow, 0), "overlaps": (slow, given.overlap)}
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(given.repeats):
        for way, (megabits, overlap) in ways.items():
            told = apart_from_here(["--inside", str(megabits), "--overlap", str(overlap)])
            found[way].append(told)
            print(json.dumps({"way": way, **told}), flush=True)
    for key in ("seconds", "waited"):
        print(
            json.dumps(
                {key: {way: statistics.median(one[key] for one in told) for way, told in found.items()}}
            )
        )


def apart_from_here(more: list[str]) -> dict[str, float]:
    """The same command in namespaces of its own."""
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, *sys.argv, *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def timed(given: argparse.Namespace, megabits: float) -> dict[str, float]:
    """A run of both processes over such a link: seconds of the steps, and megabytes that each sends in them."""
    with tempfile.TemporaryDirectory(prefix="seqspec-link-") as folder:
        other = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        try:
            link(other.pid, megabits)
            there = ["nsenter", f"--net=/proc/{other.pid}/ns/net"]
            processes = [started(given, rank, Path(folder), there * rank) for rank in (0, 1)]
            codes = [one.wait() for one in processes]
            if any(codes):
                sys.exit(f"the processes came to {codes}")
        finally:
            other.kill()
        (run,) = Path(folder).glob("lm_*/2*")
        lines = [json.loads(line) for line in (run / "speed.jsonl").read_text().splitlines()]
        logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        sent = [line["sent_megabytes"] for line in logged if line["event"] == "train"]
    return {
        "seconds": round(lines[1]["time"] - lines[0]["time"], 2),
        "waited": round(lines[1]["exchange_seconds"] - lines[0]["exchange_seconds"], 2),
        "megabytes": round(sent[1] - sent[0], 3),
    }


def link(other: int, megabits: float) -> None:
    """A device here and one in the namespace of the process ``other``."""
    do("ip link add far type veth peer name far0")
    time.sleep(0.5)  # until the other has its namespace
    do(f"ip link set far0 netns {other}")
    for address, device, within in zip(
        ADDRESSES, ("far", "far0"), ("", f"nsenter -t {other} -n "), strict=True
    ):
        do(f"{within}ip addr add {address}/24 dev {device}")
        for one in ("lo", device):
            do(f"{within}ip link set {one} up")
        do(f"{within}tc qdisc add dev {device} root tbf rate {megabits * 1000:.0f}kbit burst 4kb latency 10s")


def do(command: str) -> None:
    subprocess.run(command.split(), check=True)


def started(given: argparse.Namespace, rank: int, folder: Path, within: list[str]) -> subprocess.Popen[bytes]:
    """One of the processes; ``within`` enters its namespace."""
    procedure = (
        f"{{type: diloco, replicas: 2, every: {given.every}, fragments: {given.fragments}, "
        f"overlap: {given.overlap}, exchange: {given.exchange}}}"
    )
    steps, last = given.steps, 2 * given.steps + given.every
    sets = [f"procedure={procedure}", f"train.max_steps={last}",
            f"train.log_every_steps={steps}", f"train.checkpoint_every_steps={last}",
            f"evaluate.every_steps={last}", "evaluate.metrics=[perplexity]",
            f"optimizer.schedule.decay_end={last}", "optimizer.schedule.warmup_steps=1"]  # fmt: skip
    place = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1, "MASTER_PORT": 29500}
    names = {"MASTER_ADDR": ADDRESSES[0], "GLOO_SOCKET_IFNAME": ("far", "far0")[rank]}
    return subprocess.Popen(
        [*within, sys.executable, __file__, "--pause", str(given.pause), "--run", "run", str(SPEC), "--profile",
         "tiny", "--runs", str(folder), "--device", "cpu", "--threads", "1", "--quiet",
         *(part for one in sets for part in ("--set", one))],
        env={**os.environ, **names, **{name: str(value) for name, value in place.items()}},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def run_with_pauses(arguments: list[str], seconds: float) -> None:
    """What `seqspec` does with these, each turn of a replica so much longer; ends the process."""
    leave = Replicas.leave

    def paused(replicas: Replicas, turn: int) -> None:
        time.sleep(seconds)
        leave(replicas, turn)

    Replicas.leave = paused
    sys.argv = ["seqspec", *arguments]
    main_of_seqspec()
    sys.exit()


if __name__ == "__main__":
    main()

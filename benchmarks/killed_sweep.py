"""A sweep whose workers are killed from outside, again and again: is any trial lost or run twice?

    python benchmarks/killed_sweep.py --trials 40 --kills 10 --folder /tmp/killed

Two workers share one study.  At each kill one of them, with all its runs, gets SIGKILL at a random moment and is
started again.  Afterwards every suggestion is made again from the log alone: the trials are those of a sweep that
nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from seqspec.runtime.sweep.sampler import Known, Sampler, usual_generation
from seqspec.schema.sections.sweep_space import Space, dimension

SPEC = """\
seqspec: 1
name: killed
data:
  source: {type: mnist, synthetic: 200}
  split: {dev: 0.2}
  batch: {unit: examples, size: 32}
model: {type: classifier, encoder: {type: lenet, channels: [4, 8], kernel: 5, dim: 16, dropout: 0.2}}
optimizer: {type: adam, schedule: {type: constant, peak: 2.0e-3}}
train: {max_steps: 12, checkpoint_every_steps: 2, log_every_steps: 2}
evaluate: {every_steps: 4, splits: [dev], metrics: [accuracy]}
sweep:
  space:
    optimizer.schedule.peak: {log_uniform: [1.0e-4, 3.0e-2]}
    model.encoder.dim: {int: [8, 32]}
"""


def worker(folder: Path, trials: int) -> subprocess.Popen[bytes]:
    """One worker, the leader of its own process group."""
    command = [sys.executable, "-m", "seqspec", "sweep", str(folder / "killed.yaml"), "--study", str(folder / "study"),
               "--trials", str(trials), "--format", "json", "--device", "cpu"]  # fmt: skip
    with (folder / "workers.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def events(folder: Path) -> list[dict]:
    path = folder / "study" / "study.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--trials", type=int, default=40)
    asked.add_argument("--kills", type=int, default=10)
    asked.add_argument("--folder", type=Path, required=True)
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "killed.yaml").write_text(SPEC)
    draw, began, kills = random.Random(1), time.monotonic(), 0
    workers = [worker(given.folder, given.trials) for _ in range(2)]
    while any(one.poll() is None for one in workers):
        finished = sum(one["event"] == "finished" for one in events(given.folder))
        # Spread over the whole sweep: the next kill comes when its share of the trials is done.
        if kills < given.kills and finished >= kills * given.trials / (given.kills + 1):
            time.sleep(draw.uniform(0, 20))
            index = draw.randrange(2)
            if workers[index].poll() is None:
                os.killpg(workers[index].pid, signal.SIGKILL)
                workers[index].wait()
                kills += 1
                workers[index] = worker(given.folder, given.trials)
        time.sleep(0.5)
    report(given.folder, trials=given.trials, kills=kills, seconds=time.monotonic() - began)


def report(folder: Path, *, trials: int, kills: int, seconds: float) -> None:
    log = events(folder)
    suggested = [one for one in log if one["event"] == "suggested"]
    finished = [one for one in log if one["event"] == "finished"]
    values = {one["number"]: one["values"][0] for one in finished if one["values"]}
    locks = list((folder / "study" / "runs").glob("trial-*/seed-*/*/[0-9]*/lock.json"))
    settings = log[0]
    space = Space(tuple(dimension(*one) for one in settings["space"].items()))
    sampler = Sampler("tpe", space, settings["direction"], settings["seed"],
                      usual_generation("tpe", dimensions=2))  # fmt: skip
    again = [
        sampler.suggest(number, earlier=[
            Known(one["params"], None, pending=True) if one["number"] >= sampler.first_of_generation(number)
            else Known(one["params"], values.get(one["number"])) for one in suggested[:number]
        ]) == suggested[number]["params"] for number in range(len(suggested))
    ]  # fmt: skip
    print(json.dumps({
        "kills": kills, "seconds": round(seconds), "suggested": len(suggested), "finished": len(finished),
        "numbers_once": sorted(one["number"] for one in finished) == list(range(trials)),
        "complete": sum(one["state"] == "complete" for one in finished), "run_directories": len(locks),
        "suggestions_as_undisturbed": all(again), "best": max(values.items(), key=lambda one: (one[1], -one[0])),
    }))  # fmt: skip


if __name__ == "__main__":
    main()

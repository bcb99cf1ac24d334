"""How reliable runs are: rows R1 to R13, a JSON line each, beside the same harness over a plain Lightning
recipe.

    python benchmarks/reliability.py              every row, 26 minutes on two quiet cores, 14 of them for R6
    python benchmarks/reliability.py --quick      the micro-batch of two minutes that the tests hold
    python benchmarks/reliability.py --rows R1 R3 --seed 7
    python benchmarks/reliability.py --share 0.5  half of every count

Counts and seeds stand in each line, so that a failure can be replayed.  Leaves with 1 where a row misses
its figure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.harness import plain, rows_dirty, rows_files, rows_lock, rows_runs
from benchmarks.harness.trials import Laboratory

Row = dict[str, Any]


def main() -> int:
    """Run the rows that are asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", nargs="*", default=[], help="such as R1 R3; left out, all")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--share", type=float, default=1.0, help="of every full count, such as 0.5")
    asked.add_argument("--no-lightning", action="store_true", help="leave the plain recipe out")
    given = asked.parse_args()
    missed = []
    with tempfile.TemporaryDirectory(prefix="seqspec-reliability-") as folder:
        lab = Laboratory.make(Path(folder))
        chosen = rows(lab, quick=given.quick, share=given.share, seed=given.seed)
        for name, work in chosen.items():
            if (given.rows and name.split("-")[0] not in given.rows) or (
                given.no_lightning and "lightning" in name
            ):
                continue
            begun = time.monotonic()
            row, reached = evaluated(name, work)
            missed += [] if reached is not False else [name]
            shown = {} if reached is None else {"reached": reached}
            print(json.dumps({**row, **shown, "seconds": round(time.monotonic() - begun, 1)}), flush=True)
    return bool(missed)


def evaluated(name: str, work: Callable[[], Row]) -> tuple[Row, bool | None]:
    """A row and whether it reaches its figure; one that breaks off has missed it and keeps no other back."""
    try:
        row = work()
    except AssertionError as error:
        return {"row": name, "broke_off": str(error)[-1500:]}, None if "lightning" in name else False
    return row, reaches(row)


def rows(lab: Laboratory, *, quick: bool, share: float, seed: int) -> dict[str, Callable[[], Row]]:
    """The rows with their counts: a share of the full ones, or a tenth and less."""

    def size(full: int, small: int) -> int:
        return small if quick else max(round(full * share), 1)

    return {
        "R1": lambda: rows_runs.random_kills(lab, kills=size(200, 4), seed=seed),
        "R1-lightning": lambda: plain.random_kills(lab, trials=size(13, 2), seed=seed),
        "R2": lambda: rows_runs.nth_operation(lab, step=80 if quick else max(round(3 / share), 1)),
        "R3": lambda: rows_files.torn_files(lab, kills=size(500, 20), seed=seed),
        "R3-lightning": lambda: rows_files.torn_by_lightning(lab, kills=size(40, 2), seed=seed),
        "R4": lambda: rows_runs.full_disk(lab, cases=size(50, 3), seed=seed),
        "R5": lambda: rows_files.flipped_bits(lab, flips=size(1000, 60), seed=seed),
        "R6": lambda: fuzz(count=size(1_000_000, 3000), seed=seed),
        "R7": lambda: rows_runs.settings(lab, full=not quick),
        "R7-lightning": lambda: plain.settings(lab),
        "R8": lambda: rows_lock.honesty(lab, edits=size(100, 10), seed=seed),
        "R9": lambda: rows_dirty.dirty_data(lab),
        "R10": lambda: rows_runs.owners(lab, pairs=size(100, 1)),
        "R11": lambda: rows_dirty.harm(lab),
        "R12": lambda: rows_runs.elastic(lab, kills=size(20, 1), seed=seed),
        "R13": lambda: rows_runs.signals(lab, each=size(20, 1), seed=seed),
    }


def fuzz(*, count: int, seed: int) -> Row:
    """R6: the spec fuzzer, which is a benchmark of its own."""
    script = Path(__file__).with_name("fuzz.py")
    command = [sys.executable, str(script), "--count", str(count), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return {
        "row": "R6",
        "count": count,
        "exit": done.returncode,
        "told": lines[-1][:500] if lines else done.stderr[-300:],
    }


def reaches(row: Row) -> bool | None:
    """Whether a row reaches its figure; the plain recipe has none to reach."""
    name = row["row"]
    if "lightning" in name:
        return None
    match name:
        case "R3":
            return bool(row["torn_files_loaded"] == 0)
        case "R5":
            return bool(row["detected"] == row["flips"])
        case "R6":
            return bool(row["exit"] == 0)
        case "R8":
            return bool(row["found"] == row["edits"] and row["false_alarms"] == 0)
        case "R9":
            return bool(row["told"] == row["defects"] >= 30)
        case "R11":
            harmless = row["escaped"] == row["executed"] == row["canary_bytes"] == 0
            return bool(harmless and row["specs_refused"] == row["specs"])
    return rows_runs.summary(row)


if __name__ == "__main__":
    sys.exit(main())

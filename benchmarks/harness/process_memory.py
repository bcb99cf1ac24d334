"""What a process holds, in MiB, and what contenders hold, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

OPTION = "--memory-of"
"""What a benchmark is started anew with to be one of its contenders and print ``memory_of`` it."""


def memory_of(run: Callable[[], object], *, beside: float = 0.0) -> dict[str, float]:
    """The most that this process has held after ``run``, and above what it held before; ``beside`` MiB are none
    of the contender's.
    """
    before = resident()
    run()
    peak = peak_resident()
    return {"peak_mib": round(peak - beside, 1), "above_start_mib": round(peak - before, 1)}


def memory_of_each(
    contenders: Sequence[str], arguments: Sequence[str], *, rounds: int = 1
) -> dict[str, dict[str, float]]:
    """``memory_of`` by contender; ``arguments`` are the benchmark's file and options.  The least of ``rounds``
    processes: where batches differ in length, holes in the heap add by chance what nothing needs.
    """
    found: dict[str, dict[str, float]] = {"peak_mib": {}, "above_start_mib": {}}
    for which in [one for _ in range(rounds) for one in contenders]:
        command = [sys.executable, *arguments, OPTION, which]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        for what, value in json.loads(done.stdout.splitlines()[-1]).items():
            found[what][which] = min(value, found[what].get(which, value))
    return found


def resident() -> float:
    """Now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_resident() -> float:
    """At most so far, of this program alone: ``ru_maxrss`` begins with what the process that started it held."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

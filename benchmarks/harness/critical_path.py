"""The longest way through the processes of a command, and their memory, by what the kernel counts of each."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

POLL_SECONDS = 0.05


class Spent(NamedTuple):
    """What a command took."""

    critical: float
    """CPU seconds of its own process and the most that one of the others, which work beside each other for
    it, spent meanwhile: what the clock would say were there nothing else to do.
    """
    own_mib: float
    """The most memory of its own process at any time, without pages of mapped files, which can be dropped."""
    others_mib: float
    """The same of the largest of the others."""


def children(process: int) -> list[int]:
    """The processes that a process started itself and that still run."""
    try:
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    others: Callable[[int], Iterable[int]] = children,
) -> Spent:
    """Run it, and watch its process and the ``others``.  Raises ``SystemExit`` with what the command said
    where it fails.
    """
    with tempfile.TemporaryFile() as said:
        before = {one: _cpu(one) for one in others(os.getpid())}
        started = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        cpu: dict[int, float] = {}
        memory: dict[int, float] = {}
        while started.poll() is None:
            for one in (started.pid, *others(started.pid)):
                cpu[one] = max(cpu.get(one, 0.0), _cpu(one) - before.get(one, 0.0))
                memory[one] = max(memory.get(one, 0.0), _anonymous_mib(one))
            time.sleep(POLL_SECONDS)
        if started.returncode:
            said.seek(0)
            raise SystemExit(said.read()[-2000:].decode(errors="replace"))
    own, mib = cpu.pop(started.pid, 0.0), memory.pop(started.pid, 0.0)
    return Spent(own + max(cpu.values(), default=0.0), mib, max(memory.values(), default=0.0))


def _cpu(process: int) -> float:
    """CPU seconds of a process so far; 0 of one that has gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _anonymous_mib(process: int) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    lines = (line.split() for line in status.splitlines())
    return next((int(line[1]) / 1024 for line in lines if line and line[0] == "RssAnon:"), 0.0)

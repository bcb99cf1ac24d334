"""The longest way through the processes of a command, from what the kernel counts of each."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

POLL_SECONDS = 0.05


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
) -> float:
    """Run it; gives the CPU seconds of its own process and the most that one of the ``others``, which work
    beside each other for it, spent meanwhile.  That is what the clock would say were there nothing else to
    do.  Raises ``SystemExit`` with what the command said where it fails.
    """
    with tempfile.TemporaryFile() as said:
        before = {one: _cpu(one) for one in others(os.getpid())}
        started = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        seen: dict[int, float] = {}
        while started.poll() is None:
            for one in (started.pid, *others(started.pid)):
                seen[one] = max(seen.get(one, 0.0), _cpu(one) - before.get(one, 0.0))
            time.sleep(POLL_SECONDS)
        if started.returncode:
            said.seek(0)
            raise SystemExit(said.read()[-2000:].decode(errors="replace"))
    own = seen.pop(started.pid, 0.0)
    return own + max(seen.values(), default=0.0)


def _cpu(process: int) -> float:
    """CPU seconds of a process so far; 0 of one that has gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""What this process holds, in MiB."""

from __future__ import annotations

import os
from pathlib import Path


def resident() -> float:
    """Now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_resident() -> float:
    """At most so far, of this program alone: ``ru_maxrss`` begins with what the process that started it held."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

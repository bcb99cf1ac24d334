"""Memory in pages of 2 MiB, for weights that every step of a search reads from end to end.

With pages of 4 KiB a processor looks up 26,000 places for 104 MB of weights, and what fetches memory ahead
stops at the end of each.  ``MADV_COLLAPSE``: Linux 6.1 and later, madvise(2).
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

MAPS = Path("/proc/self/maps")
ANONYMOUS = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *(\[heap\])?", re.ASCII)
HUGE = 2 << 20
MADV_COLLAPSE = 25


def use_huge_pages() -> None:
    """Moves what this process holds into pages of 2 MiB, once; memory of later is as it would be.

    It takes about a second a gigabyte.  Where the system has no such call, or no such page is free, memory
    stays as it is: speed alone depends on it.
    """
    if not MAPS.exists():
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for begin, end in list(_held()):
        madvise(begin, end - begin, MADV_COLLAPSE)


def _held() -> Iterator[tuple[int, int]]:
    """Begin and end of the private memory that belongs to no file, in whole pages of 2 MiB."""
    for line in MAPS.read_text(encoding="ascii", errors="replace").splitlines():
        found = ANONYMOUS.fullmatch(line)
        if found is not None:
            begin = -(int(found[1], 16) // -HUGE) * HUGE
            end = int(found[2], 16) // HUGE * HUGE
            if begin < end:
                yield begin, end

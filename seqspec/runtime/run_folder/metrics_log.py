"""``metrics.jsonl``: what a run measured, one JSON object a line, the same bytes however often the run was
killed.

Lines hold steps, sums and rates, never times: those go to ``speed.jsonl``.  The journal is durable before
the checkpoint that names its length; on resume everything after that length is cut off and written again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path


class Journal:
    """Appends lines.  Opens at the end of what is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")

    def write(self, **values: object) -> None:
        """One line."""
        self._file.write(json.dumps(values, sort_keys=False, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def settle(self) -> int:
        """Make everything written survive; gives the length in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def cut(self, length: int) -> None:
        """Forget everything after ``length`` bytes."""
        self._file.flush()
        self._file.truncate(length)
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> list[dict[str, object]]:
    """The whole lines of a journal; a line that was being written when its writer died is left out."""
    if not path.exists():
        return []
    *whole, _ = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in whole if line]

"""``metrics.jsonl``: what a run measured, one JSON object a line, the same bytes however often the run was
killed.

Lines hold steps, sums and rates, never times: those go to ``speed.jsonl``.  The journal is durable before
the checkpoint that names its length; on resume everything after that length is cut off and written again.
"""

from __future__ import annotations

import json
import os
import stat
from os.path import lexists
from pathlib import Path
from typing import Any

from seqspec.data.regular_file import read_regular
from seqspec.runtime.run_folder.shapes import EVALUATED, fault_of, misshapen
from seqspec.schema.diagnostic import Exit, RunError


class Journal:
    """Appends lines.  Opens at the end of what is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open(path, "ab", opener=_no_link)  # noqa: SIM115

    def write(self, **values: object) -> str:
        """One line, which is given back."""
        line = json.dumps(values, sort_keys=False, ensure_ascii=False) + "\n"
        self.append(line)
        return line

    def append(self, lines: str) -> None:
        """Lines as they are."""
        self._file.write(lines.encode())
        self._file.flush()

    @property
    def length(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def settle(self) -> int:
        """Make everything written survive; gives the length in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def cut(self, length: int) -> None:
        """Forget everything after ``length`` bytes; where there are fewer, after the last whole line."""
        self._file.flush()
        if self._file.tell() < length:
            held = self.path.read_bytes()
            length = held.rfind(b"\n") + 1
        self._file.truncate(length)
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path, *, length: int | None = None) -> list[dict[str, Any]]:
    """The whole lines of a journal, or of its first ``length`` bytes; a line that was being written when its
    writer died is left out.  Raises ``RunError`` where a line is not one of a journal, and where one is cut
    short in a run that is done.
    """
    if not lexists(path):
        return []
    if not path.is_file():
        raise RunError(f"{path} is no regular file", exit=Exit.STORAGE)
    *whole, rest = read_regular(path)[:length].split(b"\n")
    rows = [_line(line, path, number) for number, line in enumerate(whole, 1) if line]
    begun = rest.startswith(b"{") and b"\0" not in rest
    if rest and (not begun or (length is None and (path.parent / "result.json").is_file())):
        why = "it was cut short" if begun else "it holds NUL bytes" if b"\0" in rest else "it is no JSON"
        raise _refused(path, len(whole) + 1, why)
    return rows


def _line(data: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise _refused(path, number, "it holds NUL bytes" if b"\0" in data else "it is no JSON") from None
    why = misshapen(found, path.name) or misshapen(found, "speed.jsonl")
    if why is None and found.get("event") == "evaluate":
        why = fault_of(found, EVALUATED)
    if not isinstance(found, dict) or why is not None:
        raise _refused(path, number, str(why))
    return found


def _refused(path: Path, number: int, why: str) -> RunError:
    return RunError(f"{path}:{number} is not a line that a run has written: {why}", exit=Exit.STORAGE,
                    help="put the file back from a copy of the run directory")  # fmt: skip


def _no_link(path: str, flags: int) -> int:
    """Nothing is appended to what a link leads to, and no pipe is waited for."""
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RunError(f"{path} is no regular file", exit=Exit.STORAGE)
    return handle

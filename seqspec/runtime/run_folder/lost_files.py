"""Files that a run directory has lost, or that were emptied or cut short since the run wrote them."""

from __future__ import annotations

import os
from pathlib import Path

from seqspec.data.regular_file import open_regular
from seqspec.runtime.run_folder.folder import RunFolder

_BEGINNING = ("data.json", "launch.json", "lock.json")
_ENDING = ("metrics.jsonl", "speed.jsonl")


def lost_files(folder: RunFolder) -> list[str]:
    """What is missing of the files that every run begins with and, of a run that is done, of its journals and
    predictions: a sentence each.
    """
    lost = [name for name in _BEGINNING if not folder.read(name)]
    cut: list[str] = []
    if (folder.path / "result.json").is_file():
        lost += [name for name in _ENDING if not _size(folder.path / name)]
        lines = [*(folder.path / name for name in _ENDING), *sorted(folder.predictions.glob("*.jsonl"))]
        cut = [f"{path}:{_last_line(path)}" for path in lines if not _ends_with_a_line(path)]
    return [
        *(f"{folder.path} has no {name}, or an empty one: what it holds is left out" for name in lost),
        *(f"{place} is no whole line: the file was cut short or overwritten" for place in cut),
    ]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _last_line(path: Path) -> int:
    with open_regular(path) as file:
        return 1 + sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))


def _ends_with_a_line(path: Path) -> bool:
    """Read at its end alone, however long it is."""
    if not _size(path):
        return True
    try:
        with open_regular(path) as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except OSError:  # a pipe, say: whoever reads it says so
        return True

"""The files of a split, remembered with the tables that name them: that nothing changed costs one ``stat`` a
file, and no table is read for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqspec.data.store.durable import write_json
from seqspec.data.store.hashes import SETTLED_NS, Stamped, first_changed

_SHA256 = 64
"""Digits of one."""


@dataclass(frozen=True)
class Remembered:
    """The files of a split as they were."""

    files: Mapping[str, Stamped]
    """By name relative to the corpus folder, sorted."""
    key: str
    """What the caller made of them."""


def remembered(memory: Path, *, root: Path, tables: Sequence[str]) -> Remembered | None:
    """What ``memory`` holds, where the split has these tables still, and neither they nor the files that they
    name have changed, come or gone.
    """
    try:
        kept = json.loads(memory.read_bytes())
        if kept["tables"] != list(tables):
            return None
        hashes: str = kept["sha256"]
        each = (hashes[at : at + _SHA256] for at in range(0, len(hashes), _SHA256))
        rows = zip(kept["names"], kept["sizes"], kept["times"], each, strict=True)
        files = {name: Stamped(size, time, found) for name, size, time, found in rows}
        absent: list[str] = kept["absent"]
        key: str = kept["key"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if first_changed(files, root) is not None or any(os.path.isfile(root / name) for name in absent):
        return None
    return Remembered(files, key)


def remember(
    memory: Path, found: Remembered, *, tables: Sequence[str], absent: Sequence[str], began: int
) -> None:
    """Keep the files of a split, which were looked for from ``began`` on; nothing where one was so young then
    that it, or what a table names, may have changed unnoticed.
    """
    if max((one.time for one in found.files.values()), default=0) > began - SETTLED_NS:
        return
    memory.parent.mkdir(parents=True, exist_ok=True)
    files = found.files.values()
    kept = {
        "tables": list(tables),
        "names": list(found.files),
        "sizes": [one.size for one in files],
        "times": [one.time for one in files],
        "sha256": "".join(one.sha256 for one in files),
        "absent": list(absent),
        "key": found.key,
    }
    write_json(memory, kept)

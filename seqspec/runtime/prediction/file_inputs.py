"""Audio and image files, and folders of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seqspec.data.corpus.images import SUFFIXES as IMAGE_SUFFIXES
from seqspec.data.corpus.record import AudioRef
from seqspec.data.printable import show
from seqspec.runtime.prediction.input import ImageRef, Input
from seqspec.schema.diagnostic import DataError

AUDIO_SUFFIXES = frozenset((".wav", ".flac", ".mp3", ".ogg", ".opus", ".oga", ".aiff", ".aif", ".au", ".sph"))
SUFFIXES: Mapping[str, frozenset[str]] = {"audio": AUDIO_SUFFIXES, "images": IMAGE_SUFFIXES}
"""Files of a folder that are read, by what a run reads."""


def file_inputs(names: Sequence[str], kind: str) -> Iterator[Input]:
    """An input for each file."""
    for name in names:
        yield file_input(name, kind)


def file_input(name: str, kind: str) -> Input:
    """One audio or image file."""
    path = Path(name)
    return Input(AudioRef(path) if kind == "audio" else ImageRef(path), name, show(name))


def files_of(names: Sequence[str], kind: str, suffixes: frozenset[str] | None = None) -> list[str]:
    """The files, and in place of each folder all below it that look like ``kind``, in sorted order.

    Files of a folder that do not look like it are counted on standard error.
    """
    found: list[str] = []
    for name in names:
        if Path(name).is_dir():
            found += _below(name, kind, SUFFIXES[kind] if suffixes is None else suffixes)
        else:
            found.append(name)
    return found


def _below(name: str, kind: str, suffixes: frozenset[str]) -> list[str]:
    there = [path for path in Path(name).rglob("*") if path.is_file() and not path.name.startswith(".")]
    read = [path for path in there if path.suffix.lower() in suffixes]
    if not read:
        raise DataError(
            f"the folder `{show(name)}` holds no {kind}", help=f"files end in {_listed(suffixes)}"
        )
    passed = Counter(_suffix(path) for path in there if path.suffix.lower() not in suffixes)
    if len(there) > len(read):
        ends = ", ".join(show(suffix) for suffix, _ in sorted(passed.most_common(12)))
        ends += ", …" if len(passed) > 12 else ""
        count = len(there) - len(read)
        print(f"note: {count:,} files of {show(name)} are passed over ({ends}): {kind} end in "
              f"{_listed(suffixes)}; other files can be named one by one", file=sys.stderr)  # fmt: skip
    return sorted(str(path) for path in read)


def _suffix(path: Path) -> str:
    return path.suffix.lower() or "no suffix"


def _listed(suffixes: frozenset[str]) -> str:
    return ", ".join(f"`{suffix}`" for suffix in sorted(suffixes))

"""The sides of a ``diff``: a file, a folder, a run directory, or one of them in git (``REV:path``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from seqspec.compile.diff.git_tree import NotFound, checked_out
from seqspec.compile.parse.parse import SUFFIXES


class Side(NamedTuple):
    """One side of a comparison."""

    title: str
    """As the person wrote it."""
    files: Mapping[str, Path]
    """Specs by their name inside a folder; a single spec has the name ``""``."""
    prefix: str = ""
    """Beginning of file names that stands for ``shown`` in what is printed."""
    shown: str = ""

    def display(self, place: str) -> str:
        """``place`` with the temporary folder of a revision shown as the revision."""
        return place.replace(self.prefix, self.shown) if self.prefix else place


@contextmanager
def opened(text: str) -> Iterator[Side]:
    """The side that ``text`` names; raises ``NotFound``."""
    if Path(text).exists():
        yield Side(text, _specs(Path(text), text))
        return
    revision, colon, inside = text.partition(":")
    if not colon or not revision or not inside:
        raise NotFound(f"`{text}` is no file, folder, run directory or `REV:path`")
    with checked_out(revision, inside) as (root, path):
        if not path.exists():
            raise NotFound(f"revision `{revision}` has no `{inside}`")
        yield Side(text, _specs(path, text), f"{root}/", f"{revision}:")


def _specs(path: Path, text: str) -> dict[str, Path]:
    if path.is_file():
        return {"": path}
    run = path / "spec.yaml"
    if run.is_file():
        return {"": run}
    found = {
        str(file.relative_to(path)): file
        for file in sorted(path.rglob("*"))
        if file.suffix in SUFFIXES and "base" not in file.relative_to(path).parts[:-1]
    }
    if not found:
        raise NotFound(f"`{text}` holds no spec ({', '.join(SUFFIXES)}) and no `spec.yaml` of a run")
    return found

"""Writing the files of synthetic corpora, the same bytes on every machine."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Iterable
from pathlib import Path


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines as UTF-8, compressed by the suffix of the name."""
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file and its folders; a gzip file carries no time stamp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".gz":
            content = gzip.compress(content, mtime=0)
        case ".bz2":
            content = bz2.compress(content)
        case ".xz":
            content = lzma.compress(content)
    path.write_bytes(content)


def concrete(pattern: str) -> str:
    """One file name that a glob pattern matches."""
    one_of = re.sub(r"\[(!?)(.)[^\]]*\]", lambda match: "~" if match[1] else match[2], pattern)
    return one_of.replace("**/", "").replace("*", "1").replace("?", "1")

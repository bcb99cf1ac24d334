"""What a file is by its first bytes, where it is not what its reader expects, and what converts it."""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD = 512
"""Bytes that are enough to recognise a file."""


class FileKind(NamedTuple):
    """A kind of file: what it is, in words that go on from "the file is", and the remedy."""

    what: str
    remedy: str


LFS_POINTER = FileKind(
    "a Git LFS pointer, not the content that it stands for",
    "fetch the content by `git lfs pull` in the folder of the corpus",
)
ANNEX_POINTER = FileKind(
    "a git-annex pointer, not the content that it stands for",
    "fetch the content by `git annex get .` in the folder of the corpus",
)
WEB_PAGE = FileKind(
    "a web page (HTML), as is saved in place of a file that needs a login or another address",
    "download the file itself: `curl -fL ADDRESS` shows whether the address gives it",
)
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = b"/annex/objects/"
_HTML = (b"<!doctype html", b"<html")
_UTF8_MARK = b"\xef\xbb\xbf"
_CONVERT = "convert it to UTF-8 first, as by `iconv -f UTF-16 -t UTF-8`"
_MARKS: dict[bytes, FileKind] = {
    b"\xff\xfe": FileKind("UTF-16, little end first", _CONVERT),
    b"\xfe\xff": FileKind("UTF-16, big end first", _CONVERT),
    b"\x1f\x8b": FileKind("compressed by gzip", "let its name end in `.gz`, or unpack it"),
    b"BZh": FileKind("compressed by bzip2", "let its name end in `.bz2`, or unpack it"),
    b"\xfd7zXZ\x00": FileKind("compressed by xz", "let its name end in `.xz`, or unpack it"),
    b"\x28\xb5\x2f\xfd": FileKind(
        "compressed by Zstandard",
        "unpack it by `zstd -d FILE`; what is read as it is ends in `.gz`, `.bz2` or `.xz`",
    ),
    b"PK\x03\x04": FileKind("a ZIP archive or a workbook", "unpack it, or save its sheet as CSV in UTF-8"),
    b"7z\xbc\xaf\x27\x1c": FileKind("a 7-Zip archive", "unpack it first"),
    b"Rar!\x1a\x07": FileKind("a RAR archive", "unpack it first"),
    b"PAR1": FileKind("Parquet", "read it by the adapter `parquet`"),
    b"ARROW1": FileKind("an Arrow file", "read it by the adapter `hf_dataset`, or save it as Parquet"),
    b"\xd0\xcf\x11\xe0": FileKind("an old workbook or document of Office", "save its sheet as CSV in UTF-8"),
    b"SQLite format 3\x00": FileKind("an SQLite database", "export its table as CSV: `sqlite3 -csv -header`"),
    b"%PDF-": FileKind("a PDF document", "extract its text first, as by `pdftotext`"),
    b"\x93NUMPY": FileKind("a NumPy array", "save it as Parquet or as text"),
    b"\x89HDF\r\n": FileKind("an HDF5 file", "save it as Parquet or as text"),
    b"RIFF": FileKind("a recording (WAV) or another RIFF file", "name the table of recordings here"),
    b"fLaC": FileKind("a recording (FLAC)", "name the table of recordings here"),
    b"\x89PNG": FileKind("an image (PNG)", "read a folder of images by the adapter `image_folder`"),
    b"\xff\xd8\xff": FileKind("an image (JPEG)", "read a folder of images by the adapter `image_folder`"),
}


def stand_in(head: bytes) -> FileKind | None:
    """The kind of a file that stands where another was meant, whatever is read: a pointer, a web page."""
    if head.startswith(_LFS):
        return LFS_POINTER
    if head.startswith(_ANNEX):
        return ANNEX_POINTER
    text = head.removeprefix(_UTF8_MARK).lstrip().lower()
    return WEB_PAGE if text.startswith(_HTML) else None


def noted_delimiter(line: str) -> str | None:
    """The delimiter that a first line notes, as Excel writes it (``sep=;``); ``None`` for any other line."""
    noted = re.fullmatch(r"sep=(.)", line.rstrip("\r\n"), re.IGNORECASE)
    return noted[1] if noted else None


def not_text(head: bytes) -> FileKind | None:
    """The kind of a file that holds no text in UTF-8, or none that has lines."""
    known = stand_in(head)
    if known is not None:
        return known
    if head[257:262] == b"ustar":
        return FileKind("a tar archive", "unpack it first")
    marked = next((kind for mark, kind in _MARKS.items() if head.startswith(mark)), None)
    return marked or _unmarked(head)


def _unmarked(head: bytes) -> FileKind | None:
    """UTF-16 without its mark: most letters have a byte of zeros, always on the same side; and nothing else
    than such bytes, as a crash leaves a file.
    """
    if len(head) < 8:
        return None
    if not head.strip(b"\0\r\n"):
        return FileKind("NUL bytes alone, as a crash or a full disk leaves them", "fetch it again")
    first, second = head[::2].count(0), head[1::2].count(0)
    if first + second < len(head) / 4 or min(first, second) * 4 > max(first, second):
        return None
    end, name = ("little", "UTF-16LE") if second > first else ("big", "UTF-16BE")
    return FileKind(
        f"UTF-16, {end} end first", f"convert it to UTF-8 first, as by `iconv -f {name} -t UTF-8`"
    )

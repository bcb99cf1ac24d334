"""Where the files of an uncompressed tar stand in it, found by its headers alone: nothing is unpacked.

POSIX ustar with GNU's and pax's long names and sizes (IEEE Std 1003.1-2017, pax, "ustar Interchange Format").
A tar may come from a stranger: checksums are compared, names are bounded, no member may end behind the file,
and links, devices and files with holes are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import DataError

BLOCK = 512
MOST_OF_A_HEADER = 2**16
"""Bytes of what stands before a member to name it."""
LONGEST_NAME = 4096
_OCTAL = re.compile(rb"[0-7]+")
_FILES = (b"0", b"\0", b"7")
_FOLDER = b"5"
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"BZ": "bunzip2", b"\xfd7": "unxz", b"\x28\xb5": "unzstd"}


class Member(NamedTuple):
    """A file within a tar: its name, and its place there in bytes."""

    name: str
    offset: int
    size: int


def members(path: Path, *, corpus: str = "") -> Iterator[Member]:
    """The regular files of a tar in their order.  Raises ``DataError`` with the byte where it is unsound."""
    with open_regular(path) as file:
        size = path.stat().st_size
        yield from _Reader(file, size, path, corpus).members()


class _Reader:
    def __init__(self, file: BufferedReader, size: int, path: Path, corpus: str) -> None:
        self.file, self.size, self.path, self.corpus = file, size, path, corpus
        self.at = 0
        """Where the next header stands."""

    def members(self) -> Iterator[Member]:
        told: dict[str, str] = {}
        while (head := self._head()) is not None:
            kind, size = head[156:157], self._number(head[124:136])
            if kind in b"LKxg" and kind:
                more = self._more(kind, self._content(size))
                told = told if kind == b"g" else told | more
                continue
            size = self._stated_size(told, size)
            name = told.get("path") or _name(head)
            if kind in _FILES and not name.endswith("/"):
                self._require_sound(name, size)
                yield Member(name, self.at + BLOCK, size)
            elif kind not in (*_FILES, _FOLDER):
                raise self._error(f"`{show(name[:200])}` is a link, a device or a file with holes",
                                  help="pack regular files alone")  # fmt: skip
            self._advance(size)
            told = {}

    def _head(self) -> bytes | None:
        """The next header, where there is one: a block of zeros ends a tar.

        One without it was cut off between two members, and would pass for a smaller one.
        """
        self.file.seek(self.at)
        head = self.file.read(BLOCK)
        if not head:
            raise self._error("the tar is cut off: the block of zeros at its end is missing")
        if not any(head):
            return None
        if self.at == 0:
            self._refuse_compressed(head)
        if len(head) < BLOCK:
            raise self._error("the tar is cut off within a header")
        total = sum(head) - sum(head[148:156]) + 8 * 0x20
        stated = head[148:156].strip(b" \0")
        if not _OCTAL.fullmatch(stated) or int(stated, 8) != total:
            what = "the file is no tar" if self.at == 0 else "a header of the tar is damaged"
            raise self._error(f"{what}: its checksum is wrong")
        return head

    def _refuse_compressed(self, head: bytes) -> None:
        program = _COMPRESSED.get(head[:2])
        if program is not None:
            raise self._error("the tar is compressed, and what stands in it is read in place",
                              help=f"unpack it by `{program} {show(self.path.name)}`")  # fmt: skip

    def _number(self, field: bytes) -> int:
        """An octal number, or GNU's binary one, whose first bit is set."""
        if field[0] == 0x80:
            return int.from_bytes(field[1:], "big")
        text = field.strip(b" \0")
        if text and not _OCTAL.fullmatch(text):
            raise self._error("a header of the tar holds no number where one belongs")
        return int(text or b"0", 8)

    def _stated_size(self, told: dict[str, str], size: int) -> int:
        stated = told.get("size")
        if stated is None:
            return size
        if not stated.isdecimal() or len(stated) > 18:
            raise self._error("a header of the tar states a size that is no number")
        return int(stated)

    def _content(self, size: int) -> bytes:
        """What a header that names the next member holds."""
        if size > MOST_OF_A_HEADER:
            raise self._error(f"a header of the tar has {size:,} bytes, which is taken for damage")
        content = self.file.read(size)
        if len(content) < size:
            raise self._error("the tar is cut off within a header")
        self._advance(size)
        return content

    def _more(self, kind: bytes, content: bytes) -> dict[str, str]:
        if kind == b"L":
            return {"path": _text(content.rstrip(b"\0"))}
        return self._records(content) if kind in (b"x", b"g") else {}

    def _records(self, content: bytes) -> dict[str, str]:
        """Records of pax, ``LENGTH KEY=VALUE`` and a line's end each."""
        found: dict[str, str] = {}
        while content.strip(b"\0"):
            digits = content.partition(b" ")[0]
            length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
            record = content[len(digits) + 1 : length - 1]
            key, separator, value = record.partition(b"=")
            if not separator or length > len(content):
                raise self._error("a header of the tar is damaged: it holds no record of pax")
            found[_text(key)] = _text(value)
            content = content[length:]
        if any(key.startswith("GNU.sparse") for key in found):
            raise self._error("a member of the tar is a file with holes", help="pack it without `--sparse`")
        return found

    def _require_sound(self, name: str, size: int) -> None:
        if len(name) > LONGEST_NAME:
            raise self._error(f"a name in the tar has {len(name):,} characters")
        if self.at + BLOCK + size > self.size:
            raise self._error(f"the tar is cut off: `{show(name[:200])}` has {size:,} bytes, of which "
                              f"{max(self.size - self.at - BLOCK, 0):,} are there")  # fmt: skip

    def _advance(self, size: int) -> None:
        self.at += BLOCK + -(-size // BLOCK) * BLOCK

    def _error(self, message: str, *, help: str = "make or fetch the file again") -> DataError:
        return DataError(message, corpus=self.corpus, file=show(self.path), byte=self.at, help=help)


def _name(head: bytes) -> str:
    name, prefix = head[:100].split(b"\0")[0], head[345:500].split(b"\0")[0]
    posix = head[257:263] == b"ustar\0"  # GNU's headers have other things where the prefix stands
    return _text(prefix + b"/" + name if posix and prefix else name)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")

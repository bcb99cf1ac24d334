r"""Lines of text files: bytes, ended by ``\\n`` only, decoded strictly as UTF-8.

``str.splitlines`` also breaks at U+2028, U+0085 and others, which misaligns parallel files; nothing here
does.  One ``\\r`` before the ``\\n`` is taken as part of the line's end, and a byte-order mark at the head of
the file is dropped.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

MAX_LINE_BYTES = 16 * 2**20
"""A longer line is taken for a broken or hostile file, so that reading stays within bounded memory."""

_UTF8_MARK = b"\xef\xbb\xbf"
_CONVERT = "convert it to UTF-8 first, as by `iconv -f UTF-16 -t UTF-8`"
_FOREIGN_MARKS = {
    b"\xff\xfe": ("UTF-16, little end first", _CONVERT),
    b"\xfe\xff": ("UTF-16, big end first", _CONVERT),
    b"\x1f\x8b": ("compressed by gzip", "let its name end in `.gz`, or unpack it"),
    b"PK\x03\x04": ("a ZIP archive or a workbook", "unpack it, or save its sheet as CSV in UTF-8"),
    b"PAR1": ("Parquet", "read it by the adapter `parquet`"),
}
_JAPANESE = {"cp932": ("Shift_JIS", "CP932"), "euc_jp": ("EUC-JP", "EUC-JP")}
"""Encodings that Japanese text is met in, by Python's name: for people, and for iconv."""
_KANA = re.compile("[ぁ-んァ-ヶ]")
_OPENERS: dict[str, Callable[[Path, str], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class Line(NamedTuple):
    """One line without its end; ``fault`` says why ``text`` could not be decoded, and ``byte`` where."""

    row: int
    """From 1."""
    byte: int
    """Offset of the line's first byte, or of the byte at fault, in the decompressed file."""
    text: str
    fault: str | None = None


def read_lines(path: Path, *, corpus: str = "") -> Iterator[Line]:
    """The lines of a file, decompressed where the name ends in ``.gz``, ``.bz2`` or ``.xz``.

    Bytes that are not UTF-8 give a line with a ``fault``.  A file that cannot be read on raises
    ``DataError``.
    """
    row = offset = skipped = 0
    with open_bytes(path, corpus=corpus) as file:
        while raw := file.readline(MAX_LINE_BYTES + 1):
            row += 1
            line = raw
            if row == 1:
                line = _without_mark(raw, path, corpus)
                skipped = len(raw) - len(line)
                if b"\r" in line[:-2] and not line.endswith(b"\n"):
                    raise _foreign_ends(path, corpus)
            if len(raw) > MAX_LINE_BYTES:
                raise _too_long(path, corpus, row)
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                reason = _japanese(line) or f"byte 0x{line[error.start]:02x} is not valid UTF-8"
                yield Line(row, offset + skipped + error.start, "", reason)
            else:
                if text[-1:] == "\n":
                    text = text[:-2] if text[-2:] == "\r\n" else text[:-1]
                yield Line(row, offset, text)
            offset += len(raw)
            skipped = 0


@contextmanager
def open_bytes(path: Path, *, corpus: str = "") -> Iterator[IO[bytes]]:
    """A buffered binary file, decompressed by its suffix; every failure to open or read is a ``DataError``
    with the path.
    """
    opener = _OPENERS.get(path.suffix)
    try:
        with open(path, "rb") if opener is None else io.BufferedReader(opener(path, "rb"), 2**18) as file:
            yield file
    except FileNotFoundError:
        raise DataError("the file does not exist", corpus=corpus, file=show(path)) from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise DataError(f"the compressed file is damaged: {error}", corpus=corpus, file=show(path)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"the file cannot be read: {reason}", corpus=corpus, file=show(path)) from None


def count_lines(path: Path, *, corpus: str = "") -> int:
    """Lines of a file, as ``read_lines`` counts them."""
    count, last = 0, b"\n"
    with open_bytes(path, corpus=corpus) as file:
        while block := file.read(2**20):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _too_long(path: Path, corpus: str, row: int) -> DataError:
    message = f"a line is longer than {MAX_LINE_BYTES // 2**20} MiB"
    return DataError(
        message, corpus=corpus, file=show(path), row=row, help="is this a text file with line ends?"
    )


def _foreign_ends(path: Path, corpus: str) -> DataError:
    return DataError(
        "the whole file is one line that holds carriage returns",
        corpus=corpus,
        file=show(path),
        help="let lines end in `\\n`, as by `tr '\\r' '\\n'`",
    )


def _without_mark(line: bytes, path: Path, corpus: str) -> bytes:
    for mark, (what, help) in _FOREIGN_MARKS.items():
        if line.startswith(mark):
            message = f"the file is {what}, not text in UTF-8"
            raise DataError(message, corpus=corpus, file=show(path), help=help)
    return line.removeprefix(_UTF8_MARK)


def _japanese(line: bytes) -> str | None:
    """The fault of a line of Japanese in another encoding: the one in which it has the most kana."""
    kana = {name: len(_KANA.findall(line.decode(name, "ignore"))) for name in _JAPANESE}
    best = max(kana, key=kana.__getitem__)
    if kana[best] < 2:
        return None
    name, known = _JAPANESE[best]
    return f"the line reads as {name}, not UTF-8: convert the file, as by `iconv -f {known} -t UTF-8`"

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

from seqspec.data.corpus.file_kinds import HEAD, WEB_PAGE, not_text, stand_in
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import DataError

MAX_LINE_BYTES = 16 * 2**20
"""A longer line is taken for a broken or hostile file, so that reading stays within bounded memory."""

_UTF8_MARK = b"\xef\xbb\xbf"
_JAPANESE = {"cp932": ("Shift_JIS", "CP932"), "euc_jp": ("EUC-JP", "EUC-JP")}
"""Encodings that Japanese text is met in, by Python's name: for people, and for iconv."""
_KANA = re.compile("[ぁ-んァ-ヶ]")
_MAGIC = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\0"}
"""How compressed files begin."""
_OPENERS: dict[str, Callable[[IO[bytes], str], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


ARRAY_TO_LINES = "`jq -c '.[]' FILE.json > FILE.jsonl`"
"""What turns a JSON array into JSON lines."""
QUOTING = (
    "quote the cells that hold a quote, the delimiter or a line end, and write each quote in them twice "
    '(`""`), as every writer of CSV does'
)
"""What mends a table with quotes that are no quotes of CSV."""


def suffix_within(path: Path) -> str:
    """The suffix in small letters, of a compressed file that of what it holds."""
    return (path.with_suffix("") if path.suffix in _OPENERS else path).suffix.lower()


class Line(NamedTuple):
    """One line without its end; ``fault`` says why it could not be decoded, and ``byte`` where: then ``text``
    has U+FFFD for what is not UTF-8.
    """

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
    with open_bytes(path, corpus=corpus) as file:
        yield from lines_of(file, path, corpus=corpus)


def lines_of(file: IO[bytes], path: Path, *, corpus: str = "") -> Iterator[Line]:
    """The lines of what is open already, each as soon as it is there; ``path`` is what it is called."""
    row = offset = skipped = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        row += 1
        line = raw
        if row == 1:
            line = _without_mark(raw, path, corpus)
            skipped = len(raw) - len(line)
            if b"\r" in line[:-2] and not line.endswith(b"\n"):
                raise _foreign_ends(path, corpus)
        if len(raw) > MAX_LINE_BYTES:
            raise _too_long(path, corpus, row, raw[:HEAD])
        try:
            text, fault, byte = line.decode(), None, offset
        except UnicodeDecodeError as error:
            text = line.decode(errors="replace")
            fault = _japanese(line) or (
                f"byte 0x{line[error.start]:02x} is not valid UTF-8: convert the file, as by iconv "
                "-f ENCODING -t UTF-8"
            )
            byte = offset + skipped + error.start
        if text[-1:] == "\n":
            text = text[:-2] if text[-2:] == "\r\n" else text[:-1]
        yield Line(row, byte, text, fault)
        offset += len(raw)
        skipped = 0


def whole_texts(path: Path, *, corpus: str = "") -> Iterator[str]:
    """The lines of a file of which none can be left out: the first that is not UTF-8 raises ``DataError``."""
    for line in read_lines(path, corpus=corpus):
        if line.fault:
            raise DataError(line.fault, corpus=corpus, file=show(path), row=line.row, byte=line.byte)
        yield line.text


@contextmanager
def open_bytes(path: Path, *, corpus: str = "") -> Iterator[IO[bytes]]:
    """A buffered binary file, decompressed by its suffix; every failure to open or read is a ``DataError``
    with the path.

    A corpus is read more than once, so its files are regular ones; where none is named, a pipe will do.
    """
    opener = _OPENERS.get(path.suffix)
    try:
        with open_regular(path) if corpus else open(path, "rb") as raw:
            file = raw if opener is None else io.BufferedReader(opener(raw, "rb"), 2**18)
            refuse_stand_in(file.peek(HEAD), path, corpus=corpus)
            yield file
    except FileNotFoundError:
        raise DataError("the file does not exist", corpus=corpus, file=show(path)) from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        _refuse_uncompressed(path, corpus)
        raise DataError(f"the compressed file is damaged: {error}", corpus=corpus, file=show(path)) from None
    except OSError as error:
        if error.errno is None:  # bz2: what it reads is none of its own
            _refuse_uncompressed(path, corpus)
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"the file cannot be read: {reason}", corpus=corpus, file=show(path)) from None


def _refuse_uncompressed(path: Path, corpus: str) -> None:
    """Raise ``DataError`` where a file is not compressed, or not as its name says."""
    head = file_head(path)
    refuse_stand_in(head, path, corpus=corpus)
    if head.startswith(_MAGIC[path.suffix]):
        return
    kind = not_text(head)
    what, help = ("not compressed", f"take `{path.suffix}` off its name") if kind is None else kind
    raise DataError(f"the file is {what}, though its name ends in `{path.suffix}`", corpus=corpus,
                    file=show(path), help=help)  # fmt: skip


def file_head(path: Path) -> bytes:
    """The first bytes of a file as they lie on disk; none where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def refuse_stand_in(head: bytes, path: Path, *, corpus: str = "") -> None:
    """Raise ``DataError`` where the file is a pointer or a web page in place of what is meant."""
    known = stand_in(head)
    if known is not None and not (path.suffix.lower() in (".html", ".htm") and known is WEB_PAGE):
        raise DataError(f"the file is {known.what}", corpus=corpus, file=show(path), help=known.remedy)


def refuse_other_kind(path: Path, *, corpus: str = "") -> None:
    """Raise ``DataError`` where a file that is not text, and could not be read, is known by its first bytes
    to be something else.
    """
    head = file_head(path)
    refuse_stand_in(head, path, corpus=corpus)
    if head[:1] in (b"{", b"["):
        raise DataError(
            "the file is JSON", corpus=corpus, file=show(path), help="read JSON lines by the adapter `jsonl`"
        )
    kind = not_text(head)
    if kind is not None and not head.startswith(b"PAR1"):
        raise DataError(f"the file is {kind.what}", corpus=corpus, file=show(path), help=kind.remedy)


def count_lines(path: Path, *, corpus: str = "") -> int:
    """Lines of a file, as ``read_lines`` counts them."""
    count, last = 0, b"\n"
    with open_bytes(path, corpus=corpus) as file:
        while block := file.read(2**20):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _too_long(path: Path, corpus: str, row: int, line: bytes) -> DataError:
    message = f"a line is longer than {MAX_LINE_BYTES // 2**20} MiB"
    help = "is this a text file with line ends?"
    if line.lstrip()[:1] == b"[":
        message, help = f"{message}: one JSON array, it seems", f"make a line of each entry: {ARRAY_TO_LINES}"
    return DataError(message, corpus=corpus, file=show(path), row=row, help=help)


def _foreign_ends(path: Path, corpus: str) -> DataError:
    return DataError(
        "the whole file is one line that holds carriage returns",
        corpus=corpus,
        file=show(path),
        help="let lines end in `\\n`, as by `tr '\\r' '\\n'`",
    )


def _without_mark(line: bytes, path: Path, corpus: str) -> bytes:
    kind = not_text(line[:HEAD])
    if kind is not None and kind is not WEB_PAGE:  # one that is meant passed `open_bytes`
        message = f"the file is {kind.what}, not text in UTF-8"
        raise DataError(message, corpus=corpus, file=show(path), help=kind.remedy)
    return line.removeprefix(_UTF8_MARK)


def _japanese(line: bytes) -> str | None:
    """The fault of a line of Japanese in another encoding: the one in which it has the most kana.

    A line that is whole in that encoding needs one of them, any other needs two.
    """
    kana = {name: len(_KANA.findall(line.decode(name, "ignore"))) for name in _JAPANESE}
    best = max(kana, key=kana.__getitem__)
    if kana[best] < 1 + ("\ufffd" in line.decode(best, "replace")):
        return None
    name, known = _JAPANESE[best]
    return f"the line reads as {name}, not UTF-8: convert the file, as by iconv -f {known} -t UTF-8"

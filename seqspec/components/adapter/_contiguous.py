"""A text of any size as one string of code points, read in blocks and never whole."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

from seqspec.data.corpus.lines import open_bytes
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

_CHUNK = 2**18


def characters(path: Path, *, corpus: str) -> Iterator[str]:
    """The text of a file in pieces, strictly decoded; nothing is translated, a byte-order mark is dropped."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    with open_bytes(path, corpus=corpus) as file:
        while True:
            block = file.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                byte = offset - pending + error.start
                message = f"byte 0x{error.object[error.start]:02x} is not valid UTF-8 ({error.reason})"
                help = "convert the file, as by iconv -f ENCODING -t UTF-8: one text has no rows to leave out"
                raise DataError(message, corpus=corpus, file=show(path), byte=byte, help=help) from None
            yield text.removeprefix("\ufeff") if offset == 0 else text
            offset += len(block)
            if not block:
                return


def count_characters(path: Path, *, corpus: str) -> int:
    """Code points of a file."""
    return sum(len(text) for text in characters(path, corpus=corpus))


def blocks(
    paths: Sequence[Path], start: int, end: int, *, size: int, corpus: str
) -> Iterator[tuple[int, str]]:
    """Code points ``start`` to ``end`` of the files' joined text, in pieces of ``size`` with offsets."""
    held, at, position = "", start, 0
    for path in paths:
        for text in characters(path, corpus=corpus):
            held += text[max(start - position, 0) : max(end - position, 0)]
            position += len(text)
            while len(held) >= size:
                yield at, held[:size]
                held, at = held[size:], at + size
            if position >= end:
                break
    if held:
        yield at, held

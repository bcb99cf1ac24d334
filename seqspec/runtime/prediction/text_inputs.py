"""Lines of text files, of pipes and of standard input.

Lines end as in a corpus: at a line feed, with or without a carriage return before it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from seqspec.data.corpus.lines import Line, lines_of, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.runtime.prediction.input import Input, unread
from seqspec.schema.diagnostic import DataError


def line_inputs(path: Path) -> Iterator[Input]:
    """Every line of a file or pipe; one that is not UTF-8 is an input that cannot be read."""
    return _inputs(read_lines(path), show(path))


def _inputs(lines: Iterable[Line], file: str) -> Iterator[Input]:
    for line in lines:
        if line.fault:
            yield unread(DataError(line.fault, file=file, row=line.row, byte=line.byte))
        else:
            yield Input(line.text, line.text, file, line.row)


def record_inputs(path: Path, records: Iterator[Record | BadRow], *, adapter: object) -> Iterator[Input]:
    """The source of each record of a file in the corpus's own form, or the text where it has no source; its
    other texts go along.
    """
    corpus = getattr(adapter, "corpus", "the corpus")
    print(f"note: {show(path)} is read as {corpus}: texts do not stand one a line", file=sys.stderr)
    for record in records:
        if isinstance(record, BadRow):
            yield unread(DataError(record.reason, file=show(path), row=record.row, byte=record.byte))
        else:
            told = {key: value for key, value in record.items() if key in ("source", "target")}
            text, row = str(record["source" if "source" in record else "target"]), record.get("row")
            yield Input(
                text, text, show(path), row if isinstance(row, int) else None, str(record["id"]), told
            )


def standard_input() -> Iterator[Input]:
    """Every line of standard input, as soon as it is there."""
    with sys.stdin.buffer as file:
        yield from _inputs(lines_of(file, Path("-")), "-")


def conversation() -> Iterator[Input]:
    """Lines that a person types, one after the other; the end of input ends it."""
    number = 0
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.buffer.readline()
        if not line:
            sys.stderr.write("\n")
            return
        number += 1
        try:
            text = line.removesuffix(b"\n").decode()
        except UnicodeDecodeError as error:
            sys.stderr.write(f"the line is not UTF-8 from byte {error.start} on\n")
            continue
        yield Input(text, text, "-", number)

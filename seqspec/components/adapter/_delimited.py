"""Headers and rows of tables whose cells stand one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from seqspec.components.adapter._header import distinct, header_remedy
from seqspec.components.adapter._table import Row
from seqspec.data.corpus.file_kinds import noted_delimiter
from seqspec.data.corpus.lines import read_lines
from seqspec.data.printable import show
from seqspec.schema.adapter._table import TableConfig
from seqspec.schema.diagnostic import DataError


def as_rows(
    split: Iterable[Row | tuple[int, list[str]]],
    path: Path,
    *,
    header: bool,
    needed: Sequence[str | int],
    corpus: str,
    wider: str,
    delimiter: str,
) -> Iterator[Row]:
    """Rows by column name (or number); a row with more or fewer cells than the first is at fault, and
    ``wider`` is what mends one with more.

    A first row in which Excel notes the ``delimiter`` is no row of the table.
    """
    names: Sequence[str | int] | None = None
    following = iter(split)
    for row in following:
        if isinstance(row, Row):
            if names is None and header:
                fault = row.fault or "the first row cannot be read"
                raise DataError(fault, corpus=corpus, file=show(path), row=row.number, byte=row.byte)
            yield row
            continue
        number, cells = row
        if names is None and number == 1 and noted_delimiter(delimiter.join(cells)) == delimiter:
            continue
        if names is None:
            names = _names(cells, path, following, header=header, needed=needed, corpus=corpus)
            if header:
                continue
        if len(cells) == len(names):
            yield Row(number, dict(zip(names, cells, strict=True)))
        else:
            remedy = wider if len(cells) > len(names) else ""
            yield Row(number, {}, f"the row has {len(cells)} columns, not {len(names)}", remedy=remedy)


def read_tsv(path: Path, *, header: bool, needed: Sequence[str | int], corpus: str) -> Iterator[Row]:
    """Rows of a tab-separated file, in which quotation marks mean nothing."""
    split = (
        Row(line.row, {}, line.fault, line.byte) if line.fault else (line.row, line.text.split("\t"))
        for line in read_lines(path, corpus=corpus)
        if line.fault or line.text.strip()
    )
    return as_rows(
        split,
        path,
        header=header,
        needed=needed,
        corpus=corpus,
        wider="take tabs out of its cells",
        delimiter="\t",
    )


def columns_of(config: TableConfig) -> list[str | int]:
    """Every column that the spec names, once."""
    roles = [name for column in config.columns().values() for name in column.columns]
    return list(dict.fromkeys([*roles, *(name for name in (config.id, config.speaker) if name is not None)]))


def header_names(config: TableConfig) -> list[str | int]:
    """The columns of a synthetic file: the named ones, or as many numbers as the highest that is named."""
    needed = columns_of(config)
    numbers = [name for name in needed if isinstance(name, int)]
    return list(range(1, max(numbers) + 1)) if len(numbers) == len(needed) else needed


def _names(
    cells: list[str],
    path: Path,
    following: Iterable[Row | tuple[int, list[str]]],
    *,
    header: bool,
    needed: Sequence[str | int],
    corpus: str,
) -> Sequence[str | int]:
    names: Sequence[str | int] = cells if header else range(1, len(cells) + 1)
    lacking = [name for name in needed if name not in names]
    if lacking:
        has = ", ".join(f"`{show(str(name)[:40])}`" for name in names[:8])
        what = ", ".join(f"`{show(name)}`" for name in lacking)
        message = f"there is no column {what}; the file has {has}"
        help = "columns are numbers from 1 where `header` is false"
        if header:
            help = header_remedy(cells, following, lacking=lacking, needed=needed)
        raise DataError(message, corpus=corpus, file=show(path), row=1, help=help)
    if not header:
        return names
    try:
        return distinct(cells, needed)
    except ValueError as twice:
        message = f"two columns are called `{show(str(twice))}`, which the spec names"
        help = "give each column a name of its own"
        raise DataError(message, corpus=corpus, file=show(path), row=1, help=help) from None

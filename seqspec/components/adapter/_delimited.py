"""Headers and rows of tables whose cells stand one after the other."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from seqspec.components.adapter._table import Row
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
) -> Iterator[Row]:
    """Rows by column name (or number); a row with more or fewer cells than the first is at fault."""
    names: Sequence[str | int] | None = None
    for row in split:
        if isinstance(row, Row):
            if names is None and header:
                fault = row.fault or "the first row cannot be read"
                raise DataError(fault, corpus=corpus, file=show(path), row=row.number, byte=row.byte)
            yield row
            continue
        number, cells = row
        if names is None:
            names = _names(cells, path, header, needed, corpus)
            if header:
                continue
        if len(cells) == len(names):
            yield Row(number, dict(zip(names, cells, strict=True)))
        else:
            yield Row(number, {}, f"the row has {len(cells)} columns, not {len(names)}")


def read_tsv(path: Path, *, header: bool, needed: Sequence[str | int], corpus: str) -> Iterator[Row]:
    """Rows of a tab-separated file, in which quotation marks mean nothing."""
    split = (
        Row(line.row, {}, line.fault, line.byte) if line.fault else (line.row, line.text.split("\t"))
        for line in read_lines(path, corpus=corpus)
        if line.fault or line.text.strip()
    )
    return as_rows(split, path, header=header, needed=needed, corpus=corpus)


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
    cells: list[str], path: Path, header: bool, needed: Sequence[str | int], corpus: str
) -> Sequence[str | int]:
    names: Sequence[str | int] = cells if header else range(1, len(cells) + 1)
    lacking = [name for name in needed if name not in names]
    if lacking:
        has = ", ".join(f"`{show(str(name)[:40])}`" for name in names[:8])
        what = ", ".join(f"`{show(name)}`" for name in lacking)
        message = f"there is no column {what}; the file has {has}"
        raise DataError(message, corpus=corpus, file=show(path), row=1, help=_hint(cells, header, lacking))
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise DataError(f"two columns are called `{show(twice)}`", corpus=corpus, file=show(path), row=1)
    return names


def _plain(name: str) -> str:
    """A name without what the eye overlooks: blanks at its ends, case, width, composition."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _hint(cells: list[str], header: bool, lacking: list[str | int]) -> str:
    """What is most likely wrong where the first row lacks columns."""
    if not header:
        return "columns are numbers from 1 where `header` is false"
    other = next((mark for mark in ("\t", ",", ";", "|") if len(cells) == 1 and mark in cells[0]), None)
    if other == "\t":
        return "the first row holds tabs: read the file by the adapter `tsv`"
    if other is not None:
        return f'the first row holds `{other}`: read the file by `{{type: csv, delimiter: "{other}"}}`'
    first = cells[0].lstrip() if cells else ""
    if first.startswith("{"):
        return "the file holds JSON objects: read it by the adapter `jsonl`"
    if first.startswith("["):
        return "the file holds a JSON array: write an object a line, as by `jq -c '.[]' FILE`, for `jsonl`"
    simple = {_plain(cell): cell for cell in cells}
    close = [get_close_matches(_plain(str(name)), simple, 1, 0.75) for name in lacking]
    near = [f"`{show(simple[found[0]])}`" for found in close if found]
    if near:
        return f"did you mean {' and '.join(near)}?"
    return "where the first row names no columns, set `header: false` and write their numbers, from 1"

"""Rows of Arrow tables, and synthetic ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seqspec.components.adapter._table import Row
from seqspec.data.lines import show
from seqspec.schema.diagnostic import DataError

BATCH_ROWS = 1024


def arrow_rows(batches: Iterable[Any], path: Path, *, first: int = 1) -> Iterator[Row]:
    """Rows of record batches, by column name."""
    number = first
    for batch in batches:
        for cells in batch.to_pylist():
            yield Row(number, cells)
            number += 1


def top_columns(needed: Sequence[str | int], held: Sequence[str], path: Path, corpus: str) -> list[str]:
    """The columns of the file that must be read; ``a.b`` needs ``a`` where no column has that whole name."""
    wanted = [str(name) if str(name) in held else str(name).partition(".")[0] for name in needed]
    for name, column in zip(needed, wanted, strict=True):
        if column not in held:
            has = ", ".join(f"`{show(other)}`" for other in held[:20])
            raise DataError(
                f"there is no column `{show(name)}`; the file has {has}", corpus=corpus, file=show(path)
            )
    return list(dict.fromkeys(wanted))

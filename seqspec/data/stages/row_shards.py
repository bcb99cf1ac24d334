"""Rows of one stage shared out among calls that know nothing of each other, such as the jobs of an array.

Shard ``i`` of ``n`` writes its rows as a store of its own; whoever finds all ``n`` of them joins them to the
store that one call would have written, to the byte, and takes the parts away.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from seqspec.data.corpus.drops import EXAMPLES, Drops
from seqspec.data.store.cache import Cache, key_of
from seqspec.data.store.store import Column, Ragged, Store, StoreWriter

JOIN_ROWS = 65_536
"""Rows that are copied at once."""


class Write(Protocol):
    """Fills a folder with the store of some rows; ``None`` for all, which are then checked together."""

    def __call__(self, folder: Path, *, rows: range | None) -> None: ...


@dataclass(frozen=True)
class Shard:
    """One of the parts that the rows are cut into."""

    number: int
    """From 1."""
    of: int

    def rows(self, total: int) -> range:
        """Its rows: parts follow one another, and none is more than one row longer than another."""
        return range(total * (self.number - 1) // self.of, total * self.number // self.of)


class Unfinished(Exception):
    """Other shards have not been written yet."""

    def __init__(self, missing: Sequence[int]) -> None:
        super().__init__(f"shards {', '.join(map(str, missing))} are missing")
        self.missing = tuple(missing)


@contextmanager
def waiting(missing: set[int]) -> Iterator[None]:
    """Notes which shards are missing, and goes on."""
    try:
        yield
    except Unfinished as error:
        missing.update(error.missing)


def shared_store(
    cache: Cache,
    stage: str,
    parts: object,
    *,
    shard: Shard,
    total: int,
    write: Write,
    check: Callable[[Mapping[str, Any]], None],
) -> Store:
    """The whole store, where this shard was the last that it waited for.

    Raises ``Unfinished`` where others are missing.  ``check`` raises where the bad rows of all shards
    together, as a store notes them, are too many.
    """

    def is_whole() -> bool:
        return cache.has(stage, parts)

    def part(number: int) -> dict[str, object]:
        return {"of": key_of(parts), "shard": [number, shard.of]}

    def join(folder: Path) -> None:
        join_rows(folder, [cache.store(beside, part(n), _never) for n in numbers], check=check)

    beside, numbers = f"{stage}_shards", range(1, shard.of + 1)
    if not cache.fetch(stage, parts):
        cache.store(beside, part(shard.number), lambda folder: write(folder, rows=shard.rows(total)))
        missing = [number for number in numbers if not cache.has(beside, part(number))]
        if missing and not is_whole():  # Another may have joined them and taken them away since.
            raise Unfinished(missing)
    found = cache.store(stage, parts, join)
    for number in numbers:
        shutil.rmtree(cache.folder(beside, part(number)), ignore_errors=True)
    return found


def join_rows(folder: Path, shards: Sequence[Store], *, check: Callable[[Mapping[str, Any]], None]) -> None:
    """Write the rows of ``shards`` one after another."""
    columns = {name: Column(**kept) for name, kept in shards[0].manifest["columns"].items()}
    state = merged([shard.state for shard in shards])
    check(state)
    with StoreWriter(folder, columns) as writer:
        first = 0
        for shard in shards:
            # A call without shards may have been interrupted here, and have left rows.
            for start in range(max(0, writer.rows - first), shard.rows, JOIN_ROWS):
                rows = range(start, min(start + JOIN_ROWS, shard.rows))
                writer.append({name: _block(shard, name, one, rows) for name, one in columns.items()})
            first += shard.rows
        writer.commit(**state)  # Not before: ``state`` is that of all rows, and copying is soon done again.


def merged(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What one writer would have noted beside all rows: numbers add up, bad rows follow one another."""
    found: dict[str, Any] = {}
    for name in states[0]:
        values = [state[name] for state in states]
        found[name] = _bad_rows(values) if name == "drops" else sum(values)
    return found


def judged_rows(
    policy: Any, *, what: str, rows: int, corpus: str = ""
) -> Callable[[Mapping[str, Any]], None]:
    """Raises ``DataError`` where more of ``rows`` are bad than ``policy`` allows."""

    def check(state: Mapping[str, Any]) -> None:
        Drops.load(state["drops"], policy, what=what, corpus=corpus).check(rows)

    return check


def _bad_rows(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    for value in values:
        for reason, count in value["counts"].items():
            counts[reason] = counts.get(reason, 0) + count
            shown = [*examples.get(reason, []), *value["examples"].get(reason, [])]
            examples[reason] = shown[:EXAMPLES]
    return {"counts": counts, "examples": examples}


def _block(store: Store, name: str, column: Column, rows: range) -> Ragged | np.ndarray:
    values = store.values(name)
    if not column.ragged:
        return values[rows.start : rows.stop]
    bounds = store.offsets(name)[rows.start : rows.stop + 1]
    return Ragged(values[bounds[0] : bounds[-1]], np.diff(bounds))


def _never(folder: Path) -> None:
    raise AssertionError(f"{folder} was there a moment ago")

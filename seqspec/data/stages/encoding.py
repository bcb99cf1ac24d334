"""The second stage: vocabularies learned from the training split, and ids of every text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from seqspec.data.corpus.drops import Drops
from seqspec.data.progress import Progress, silent
from seqspec.data.stages.parts import TextSteps
from seqspec.data.store.store import Column, Ragged, Store, StoreWriter, blocks, ragged
from seqspec.data.text.conversation import AnsweredText
from seqspec.data.worker_processes import Workers
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import UNK

if TYPE_CHECKING:
    from seqspec.schema.sections.data import OnError

BLOCK = 8192
COMMIT_ROWS = 262_144


def write_vocabulary(
    folder: Path,
    *,
    steps: TextSteps,
    records: Store,
    roles: Sequence[str],
    kept: np.ndarray | None = None,
    workers: Workers,
    progress: Progress = silent,
) -> None:
    """Train a tokenizer on the texts of ``roles``, of all rows or of those where ``kept`` is true, and keep
    what it learned.
    """
    with StoreWriter(folder, {"artifact": Column("uint8")}) as writer:
        if writer.resumed:
            return
        spans = list(blocks(records.rows, BLOCK))
        todo = (
            (role, *span, None if kept is None else kept[slice(*span)]) for role in roles for span in spans
        )
        total = len(roles) * (records.rows if kept is None else int(kept.sum()))
        with progress("learning a vocabulary", total) as advance:
            found = workers.in_order(_Gather(steps, records), todo, count=len(roles) * len(spans))
            artifact = steps.learn(_counted(found, advance))
        writer.append({"artifact": ragged([np.frombuffer(artifact, np.uint8)], "uint8")})
        writer.commit()


def _counted(found: Iterable[tuple[int, Any]], advance: Any) -> Iterator[Any]:
    for texts, gathered in found:
        advance(texts)
        yield gathered


class _Gather:
    """What a tokenizer learns from the texts of one block, and how many they are; picklable."""

    def __init__(self, steps: TextSteps, records: Store) -> None:
        self.steps, self.records = steps, records

    def __call__(self, block: tuple[str, int, int, np.ndarray | None]) -> tuple[int, Any]:
        role, start, stop, kept = block
        texts = self.records.texts(role, start, stop)
        texts = texts if kept is None else list(compress(texts, kept))
        return len(texts), self.steps.gather(texts)


def write_ids(
    folder: Path,
    *,
    steps: Any,
    records: Store,
    role: str,
    split: str,
    on_error: Literal["fail"] | OnError,
    workers: Workers,
    progress: Progress = silent,
    rows: range | None = None,
    spans: str | None = None,
) -> None:
    """Encode every text of a role, or those of ``rows``; a row that cannot be encoded is empty and marked in
    ``bad``.

    ``spans`` is the column of its answers: ``steps`` then take answered texts.
    """
    mine = range(records.rows) if rows is None else rows
    columns = {
        "ids": Column("uint16" if steps.vocab_size <= 65_536 else "int32"),
        "bad": Column("uint8", ragged=False),
    }
    with (
        StoreWriter(folder, columns) as writer,
        progress(f"encoding {split} {role}", len(mine)) as advance,
    ):
        drops = Drops.load(writer.state.get("drops"), on_error, what=f"texts of {split}")
        advance(writer.rows)
        unknown = int(writer.state.get("unknown", 0))
        starts = range(mine.start + writer.rows, mine.stop, BLOCK)
        held = (range(start, min(start + BLOCK, mine.stop)) for start in starts)
        encode = _Encode(steps, records, role, spans, columns["ids"].dtype)
        for block in workers.in_order(encode, held, count=len(starts)):
            bad = np.zeros(len(block.ids.lengths), np.uint8)
            for row, reason in block.bad.items():
                bad[row - mine.start - writer.rows] = 1
                drops.add(reason, file=records.text("id", row))
            unknown += block.unknown
            writer.append({"ids": block.ids, "bad": bad})
            advance(len(bad))
            if writer.rows % COMMIT_ROWS < BLOCK:
                writer.commit(drops=drops.state(), unknown=unknown)
        if rows is None:
            drops.check(records.rows)
        writer.commit(drops=drops.state(), unknown=unknown)


class _Encoded(NamedTuple):
    """The ids of some rows; those of ``bad``, with the reason, have none."""

    ids: Ragged
    bad: dict[int, str]
    unknown: int


class _Encode:
    """Reads and encodes a block of rows; picklable, so that it can run in another process."""

    def __init__(self, steps: Any, records: Store, role: str, spans: str | None, dtype: str) -> None:
        self.steps, self.records, self.role, self.spans, self.dtype = steps, records, role, spans, dtype

    def __call__(self, rows: range) -> _Encoded:
        texts, bad = self._texts(rows), dict[int, str]()
        try:
            encoded = list(self.steps.encode_batch(texts))
        except DataError:
            encoded = [self._one(text, row, bad) for text, row in zip(texts, rows, strict=True)]
        ids = ragged(encoded, self.dtype)
        return _Encoded(ids, bad, int((ids.flat == UNK).sum()))

    def _texts(self, rows: range) -> Sequence[Any]:
        """The texts of some rows, with their answers where there is a column of those."""
        texts = self.records.texts(self.role, rows.start, rows.stop)
        if self.spans is None:
            return texts
        spans = (self.records.row(self.spans, row).reshape(-1, 2).tolist() for row in rows)
        return [
            AnsweredText(text, tuple((begin, end) for begin, end in held))
            for text, held in zip(texts, spans, strict=True)
        ]

    def _one(self, text: Any, row: int, bad: dict[int, str]) -> list[int]:
        try:
            return list(self.steps.encode_batch([text])[0])
        except DataError as error:
            bad[row] = error.message
            return []


def artifact_of(store: Store) -> bytes:
    """What a trained tokenizer left."""
    return store.row("artifact", 0).tobytes()

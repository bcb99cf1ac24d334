"""The second stage: vocabularies learned from the training split, and ids of every text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seqspec.data.corpus.drops import Drops
from seqspec.data.progress import Progress, silent
from seqspec.data.stages.parts import TextSteps
from seqspec.data.store.store import Column, Ragged, Store, StoreWriter, blocks, ragged
from seqspec.data.text.conversation import AnsweredText
from seqspec.data.worker_processes import in_order
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import UNK

if TYPE_CHECKING:
    from seqspec.schema.data import OnError

BLOCK = 8192
COMMIT_ROWS = 262_144


def texts_of(store: Store, role: str, kept: np.ndarray | None = None) -> Iterator[str]:
    """The texts of a role: of all rows, or of those where ``kept`` is true."""
    for start, stop in blocks(store.rows, BLOCK):
        texts = store.texts(role, start, stop)
        yield from texts if kept is None else compress(texts, kept[start:stop])


def write_vocabulary(
    folder: Path, *, steps: TextSteps, texts: Iterable[str], total: int, progress: Progress = silent
) -> None:
    """Train a tokenizer and keep what it learned."""
    with StoreWriter(folder, {"artifact": Column("uint8")}) as writer:
        if writer.resumed:
            return
        with progress("learning a vocabulary", total) as advance:
            artifact = steps.train(_counted(texts, advance))
        writer.append({"artifact": ragged([np.frombuffer(artifact, np.uint8)], "uint8")})
        writer.commit()


def _counted(texts: Iterable[str], advance: Any) -> Iterator[str]:
    for text in texts:
        advance(1)
        yield text


def write_ids(
    folder: Path,
    *,
    steps: Any,
    records: Store,
    role: str,
    split: str,
    on_error: Literal["fail"] | OnError,
    processes: int = 1,
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
        held = (
            (start, _texts(records, role, start, min(start + BLOCK, mine.stop), spans)) for start in starts
        )
        for start, encoded in in_order(_Encode(steps), held, processes=processes, count=len(starts)):
            block, bad = _checked(start, encoded, columns["ids"].dtype, records, drops)
            unknown += int((block.flat == UNK).sum())
            writer.append({"ids": block, "bad": bad})
            advance(len(encoded))
            if writer.rows % COMMIT_ROWS < BLOCK:
                writer.commit(drops=drops.state(), unknown=unknown)
        if rows is None:
            drops.check(records.rows)
        writer.commit(drops=drops.state(), unknown=unknown)


def _texts(records: Store, role: str, start: int, stop: int, spans: str | None) -> Sequence[Any]:
    """The texts of some rows, with their answers where there is a column of those."""
    texts = records.texts(role, start, stop)
    if spans is None:
        return texts
    rows = (records.row(spans, row).reshape(-1, 2).tolist() for row in range(start, stop))
    return [
        AnsweredText(text, tuple((begin, end) for begin, end in held))
        for text, held in zip(texts, rows, strict=True)
    ]


def _checked(
    start: int, encoded: list[Any], dtype: str, records: Store, drops: Drops
) -> tuple[Ragged, np.ndarray]:
    """The ids of a block, and which of its rows could not be encoded."""
    bad = np.zeros(len(encoded), np.uint8)
    for offset, ids in enumerate(encoded):
        if isinstance(ids, str):
            bad[offset], encoded[offset] = 1, []
            drops.add(ids, file=records.text("id", start + offset))
    return ragged(encoded, dtype), bad


class _Encode:
    """Encodes one block; picklable, so that it can run in another process."""

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def __call__(self, block: tuple[int, Sequence[Any]]) -> tuple[int, list[Any]]:
        start, texts = block
        try:
            return start, list(self.steps.encode_batch(texts))
        except DataError:
            return start, [self._one(text) for text in texts]

    def _one(self, text: Any) -> Any:
        try:
            return self.steps.encode_batch([text])[0]
        except DataError as error:
            return error.message


def artifact_of(store: Store) -> bytes:
    """What a trained tokenizer left."""
    return store.row("artifact", 0).tobytes()


def joined(*parts: Iterable[str]) -> Iterator[str]:
    """Texts of several roles, one after another, for a joint vocabulary."""
    return chain(*parts)

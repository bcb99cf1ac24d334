"""The first stage: an adapter's records as columns on disk, in the corpus's order.

``id``, then a column or three for each role, then ``speaker`` and ``corpus`` where records hold them, and
64-bit fingerprints of the id and of each role, from which splits are cut and duplicates and leaks are found
without reading the corpus again.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.data.corpus.drops import Drops
from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.progress import Progress, silent
from seqspec.data.regular_file import open_regular
from seqspec.data.seeds import hashes64
from seqspec.data.stages import encoding, features
from seqspec.data.stages.features import COMMIT_FRAMES
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.recordings import FramesAhead, measured, readers_of
from seqspec.data.store.store import TEXT, Column, Ragged, StoreWriter, ragged, ragged_bytes, ragged_text
from seqspec.data.worker_processes import FEW, Workers
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import (
    Classes,
    Floats,
    Image,
    Integers,
    Mask,
    Scalar,
    Text,
    Type,
    Waveform,
    WordStarts,
)

BLOCK = 4096
COMMIT_ROWS = 262_144
EXTRAS = ("speaker", "corpus")
MOST_LABELS = 1_000_000

Block = dict[str, Ragged | np.ndarray]


def write_records(
    folder: Path,
    *,
    parts: DataParts,
    split: str,
    root: Path,
    workers: Workers,
    progress: Progress = silent,
    ahead: FramesAhead | None = None,
) -> None:
    """Stream one split of the corpus into a store, in bounded memory; where the next stages will take several
    processes, these start meanwhile.  ``ahead`` takes the frames of the records.
    """
    rows = parts.adapter.examples(split)
    first, rows = _peek(rows)
    kinds = [kind_of(role, type_, root=root) for role, type_ in parts.roles.items()
             if not isinstance(type_, WordStarts)]  # fmt: skip
    extras = [name for name in EXTRAS if first is not None and name in first]
    columns = {"id": TEXT, "id_hash": Column("uint64", ragged=False), **dict.fromkeys(extras, TEXT)}
    for kind in kinds:
        columns |= kind.columns
    with StoreWriter(folder, columns) as writer, progress(f"reading {split}", None) as advance:
        corpus, policy = getattr(parts.adapter, "corpus", ""), parts.config.on_error
        drops = Drops.load(
            writer.state.get("drops"), policy, what=f"rows of {split}", corpus=corpus, counts_on=True
        )
        labels = {role: Counter(found) for role, found in writer.state.get("labels", {}).items()}
        seen = int(writer.state.get("seen", 0))
        ahead = FramesAhead.none(parts) if ahead is None else ahead
        ahead.behind(writer.rows)
        rows = itertools.islice(rows, seen, None)
        listens = bool(readers_of(parts))
        if listens:
            rows = measured(rows, parts=parts, workers=workers, ahead=ahead, folder=folder, advance=advance)
        many, pending = _rows_for_many(parts), writer.rows
        while block := list(itertools.islice(rows, BLOCK)):
            seen += len(block)
            records = [row for row in block if not _dropped(row, drops)]
            writer.append(_block(records, kinds, extras, labels, split))
            if not listens:  # it advances with each group of recordings
                advance(len(block))
            drops.refuse_early(seen)
            if seen >= many:
                workers.start((parts.text, parts.features))
            enough = writer.rows - pending >= COMMIT_ROWS or ahead.pending >= COMMIT_FRAMES
            if enough and not drops.refuses:
                pending = writer.rows
                ahead.commit()
                writer.commit(seen=seen, drops=drops.state(), labels=labels)
        try:
            drops.check(seen)
        except DataError:
            ahead.discard()
            raise
        joined = bool(first is not None and first.get("joined"))
        ahead.commit()
        writer.commit(seen=seen, drops=drops.state(), labels=labels, joined=joined)


def _rows_for_many(parts: DataParts) -> float:
    """Rows from which the next stages take several processes."""
    blocks = (features.BLOCK if parts.features else inf, encoding.BLOCK if parts.text else inf)
    return FEW * min(blocks)


@dataclass(frozen=True)
class Kind:
    """How the values of one role are kept."""

    role: str
    columns: Mapping[str, Column]
    pack: Callable[[Sequence[Any]], Block]
    label: bool = False


def kind_of(role: str, type_: Type, *, root: Path) -> Kind:
    """The columns of a role of raw type ``type_``."""
    hashes = {f"{role}_hash": Column("uint64", ragged=False)}
    match type_:
        case Text() | Classes():
            columns = {role: TEXT, **hashes}
            return Kind(role, columns, lambda v: _text(role, v), label=isinstance(type_, Classes))
        case Waveform():
            span = Column("int64", ragged=False)
            columns = {role: TEXT, f"{role}_start": span, f"{role}_end": span, f"{role}_samples": span}
            return Kind(role, columns | hashes, lambda v: _audio(role, v, root))
        case Image() | Mask():
            shape = Column("int32", ragged=False, width=3)
            columns = {role: Column("uint8"), f"{role}_shape": shape, **hashes}
            return Kind(role, columns, lambda v: _images(role, v))
        case Scalar():
            return Kind(role, {role: Column("float32", ragged=False), **hashes}, lambda v: _numbers(role, v))
        case Integers() | Floats():
            dtype = "int64" if isinstance(type_, Integers) else "float32"
            return Kind(role, {role: Column(dtype), **hashes}, lambda v: _sequences(role, v, dtype))
    dim = int(getattr(type_, "dim", 1))
    return Kind(role, {role: Column("float32", width=dim), **hashes}, lambda v: _floats(role, v, dim))


def _peek(rows: Iterator[Record | BadRow]) -> tuple[Record | None, Iterator[Record | BadRow]]:
    """The first record, looked for behind a few bad rows at most, and all rows again."""
    head: list[Record | BadRow] = []
    for row in itertools.islice(rows, BLOCK):
        head.append(row)
        if not isinstance(row, BadRow):
            return row, itertools.chain(head, rows)
    return None, itertools.chain(head, rows)


def _dropped(row: Record | BadRow, drops: Drops) -> bool:
    if isinstance(row, BadRow):
        drops.add(row.reason, file=row.file, row=row.row, byte=row.byte, remedy=row.remedy)
        return True
    return False


def _block(
    records: Sequence[Any],
    kinds: Sequence[Kind],
    extras: Sequence[str],
    labels: dict[str, Counter[str]],
    split: str,
) -> Block:
    ids = [str(record["id"]).encode("utf-8", "surrogatepass") for record in records]
    block: Block = {"id": ragged_bytes(ids), "id_hash": hashes64(ids)}
    for name in extras:
        block[name] = ragged_text([str(record.get(name, "")) for record in records])
    for kind in kinds:
        values = _values(records, kind.role, split)
        block |= kind.pack(values)
        if f"{kind.role}_samples" in kind.columns:
            block[f"{kind.role}_samples"] = np.array([r[f"{kind.role}_samples"] for r in records], np.int64)
        if kind.label:
            counter = labels.setdefault(kind.role, Counter())
            counter.update(values)
            if len(counter) > MOST_LABELS:
                raise DataError(
                    f"more than {MOST_LABELS:,} different labels in {split}; this is no set of classes"
                )
    return block


def _values(records: Sequence[Any], role: str, split: str) -> list[Any]:
    try:
        return [record[role] for record in records]
    except KeyError:
        lacking = next(record for record in records if role not in record)
        message = f"record {lacking['id']!r} of {split} has no {role}"
        raise DataError(message, file=str(lacking.get("file", "")), row=lacking.get("row")) from None


def _text(role: str, values: Sequence[str]) -> Block:
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    return {role: ragged_bytes(encoded), f"{role}_hash": hashes64(encoded)}


def _audio(role: str, values: Sequence[AudioRef], root: Path) -> Block:
    names = [_relative(value.path, root) for value in values]
    starts = np.array([value.start or 0 for value in values], np.int64)
    ends = np.array([-1 if value.end is None else value.end for value in values], np.int64)
    spans_of = zip(names, starts, ends, strict=True)
    keys = (f"{name}:{start}:{end}".encode("utf-8", "surrogatepass") for name, start, end in spans_of)
    spans = {f"{role}_start": starts, f"{role}_end": ends}
    return {role: ragged_text(names), **spans, f"{role}_hash": hashes64(keys)}


def _relative(path: Path, root: Path) -> str:
    written, inside = str(path), f"{root}/"
    if written.startswith(inside):  # what pathlib finds as well, ten times as slowly
        return written[len(inside) :]
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _images(role: str, values: Sequence[Any]) -> Block:
    images = [image(value) for value in values]
    shapes = np.array([p.shape for p in images], np.int32).reshape(-1, 3)
    flat = ragged([p.reshape(-1) for p in images], "uint8")
    return {role: flat, f"{role}_shape": shapes, f"{role}_hash": hashes64(p.tobytes() for p in images)}


def image(value: Any) -> np.ndarray:
    """An image as ``uint8 [C, H, W]``, read from its file where it is a path."""
    if isinstance(value, np.ndarray):
        return value
    try:
        from PIL import Image as Pillow
    except ImportError:
        raise DataError(
            "reading images needs Pillow", help="pip install 'seqspec-compiler[images]'"
        ) from None
    with open_regular(value) as file, Pillow.open(file) as image:
        array = np.asarray(image)
    array = array[:, :, None] if array.ndim == 2 else array
    return np.ascontiguousarray(array.transpose(2, 0, 1), np.uint8)


def _numbers(role: str, values: Sequence[Any]) -> Block:
    numbers = np.array(values, np.float32)
    return {role: numbers, f"{role}_hash": hashes64(number.tobytes() for number in numbers)}


def _sequences(role: str, values: Sequence[Any], dtype: str) -> Block:
    arrays = [np.asarray(value, dtype).reshape(-1) for value in values]
    return {role: ragged(arrays, dtype), f"{role}_hash": hashes64(array.tobytes() for array in arrays)}


def _floats(role: str, values: Sequence[Any], dim: int) -> Block:
    arrays = [np.asarray(value, np.float32).reshape(-1, dim) for value in values]
    lengths = np.array([len(array) for array in arrays], np.int64)
    flat = np.concatenate(arrays) if arrays else np.empty((0, dim), np.float32)
    return {role: Ragged(flat, lengths), f"{role}_hash": hashes64(array.tobytes() for array in arrays)}

"""The third stage: which rows each split keeps, and how long their fields are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.stages.features import num_frames
from seqspec.data.stages.filter import refusals, repeated
from seqspec.data.stages.parts import Feature
from seqspec.data.store.store import Column, Store, StoreWriter, blocks
from seqspec.schema.types import SEQUENCES, PlacesIn, Text, Type, Waveform, WordStarts, in_order

if TYPE_CHECKING:
    from seqspec.schema.sections.data import Data


@dataclass(frozen=True)
class Measure:
    """How long the fields of rows are, without reading what they hold."""

    records: Store
    roles: Mapping[str, Type]
    ids: Mapping[str, Store]
    """Encoded texts by field."""
    frames: Mapping[str, Store]
    """Cached frames by audio field; of one without, the feature tells how many there are."""
    features: Mapping[str, Feature]

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields in the order of their lengths."""
        return in_order(self.roles)

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """``[N, K]`` int32 lengths of rows ``start`` to ``stop``; 1 for what has no length."""
        lengths = np.ones((stop - start, len(self.roles)), np.int32)
        for column, role in enumerate(self.columns):
            if isinstance(self.roles[role], SEQUENCES):
                lengths[:, column] = self._field(role, start, stop)
        return lengths

    def _field(self, role: str, start: int, stop: int) -> np.ndarray:
        ends = slice(start, stop + 1)
        match self.roles[role]:
            case Text() | PlacesIn():
                return np.diff(self.ids[role].offsets("ids")[ends])
            case Waveform() if role in self.frames:
                return np.diff(self.frames[role].offsets("frames")[ends])
            case Waveform():
                rows = slice(start, stop)
                return num_frames(self.records, role, feature=self.features[role], rows=rows)
        return np.diff(self.records.offsets(role)[ends])


def write_index(
    folder: Path,
    *,
    config: Data,
    split: str,
    places: np.ndarray | None,
    place: int,
    measure: Measure,
    rates: Mapping[str, float],
) -> None:
    """``rows`` and ``lengths`` of the examples of a split that are left, with the reasons of those that
    are not; ``rates`` are frames a second of the fields that have them.

    Columns are read block by block, and which rows are left stands in a file: memory does not grow with
    the corpus.
    """
    records, names = measure.records, measure.columns
    columns = {
        "rows": Column("int32", ragged=False),
        "lengths": Column("int32", ragged=False, width=len(names)),
    }
    with StoreWriter(folder, columns) as writer:
        if writer.resumed:
            return
        left = _Left(records.rows, folder)
        if places is not None:
            for start, stop in blocks(records.rows):
                left.kept[start:stop] = places[start:stop] == place
        candidates = int(left.kept.sum())
        encoded = [*measure.ids.values(), *measure.frames.values()]
        for start, stop in blocks(records.rows):
            _refuse_bad(left, start, stop, encoded)
            lengths = measure(start, stop)
            for column, role in enumerate(names):
                if split == "train" or role != "target":
                    left.refuse(_empty(role, measure.roles[role]), lengths[:, column] == 0, start)
            if split == "train" or not config.filter.train_only:
                for reason, mask in refusals(config.filter, lengths, measure.roles, rates=rates):
                    left.refuse(reason, mask, start)
        if split == "train" and config.filter.duplicates == "drop":
            hashed = _hashes(records, measure.roles, left.kept)
            again = repeated(hashed, rows=records.rows, folder=folder)
            left.refuse("stood before, word for word", again, 0)
        for start, stop in blocks(records.rows):
            lengths = measure(start, stop)
            if split == "train" and isinstance(config.batch.buckets, list):
                last = config.batch.buckets[-1]
                longest = bucket_lengths(sides(lengths, names, config.batch.measured(measure.roles)))
                left.refuse(f"longer than the last bucket, {last}", longest > last, start)
            standing = np.flatnonzero(left.kept[start:stop])
            writer.append({"rows": (standing + start).astype(np.int32), "lengths": lengths[standing]})
        writer.commit(dropped=left.dropped, candidates=candidates)


def _empty(role: str, kind: Type) -> str:
    if isinstance(kind, Waveform):
        return f"{role} too short for one frame"
    return f"empty {role}"


class _Left:
    """The rows that are left, all at first, and how many are not for which reason; a byte a row, in a file of
    ``folder`` that has no name.
    """

    def __init__(self, rows: int, folder: Path) -> None:
        with TemporaryFile(dir=folder) as file:
            held = np.memmap(file, bool, "w+", shape=max(rows, 1))
        self.kept = np.asarray(held)[:rows]
        self.dropped: dict[str, int] = {}
        for start, stop in blocks(rows):
            self.kept[start:stop] = True

    def refuse(self, reason: str, mask: np.ndarray, start: int) -> None:
        """Take out the rows of ``mask``, which begins at row ``start``; those that are left count."""
        kept = self.kept[start : start + len(mask)]
        out = kept & mask
        if out.any():
            self.dropped[reason] = self.dropped.get(reason, 0) + int(out.sum())
            kept[out] = False


def _refuse_bad(left: _Left, start: int, stop: int, encoded: Sequence[Store]) -> None:
    for store in encoded:
        for reason in _reasons(store):
            left.refuse(reason, np.asarray(store.values("bad")[start:stop]) == 1, start)


def _hashes(
    records: Store, roles: Mapping[str, Type], kept: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers of the rows that are left, and one hash of all that each holds."""
    for start, stop in blocks(records.rows):
        numbers = np.flatnonzero(kept[start:stop]) + start
        hashes = np.zeros(len(numbers), np.uint64)
        for role in (role for role, type_ in roles.items() if not isinstance(type_, WordStarts)):
            hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + records.values(f"{role}_hash")[numbers]
        yield numbers, hashes


def _reasons(store: Store) -> list[str]:
    counts: dict[str, int] = store.state.get("drops", {}).get("counts", {})
    return ["; ".join(sorted(counts))[:500]] if counts else []


def sides(lengths: np.ndarray, names: Sequence[str], measured: str | None) -> np.ndarray:
    """``[N, 2]``: the two lengths by which examples are sorted into batches, of ``[N, K]`` lengths of the
    fields ``names``.

    First the field that is measured (or the source, 0 where there is none), then the longest of the others:
    of a source and a target these two, as they are.
    """
    first = measured or "source"
    if tuple(names) == (first, "target"):
        return lengths
    found = np.zeros((len(lengths), 2), np.int32)
    if first in names:
        found[:, 0] = lengths[:, names.index(first)]
    others = [column for column, name in enumerate(names) if name != first]
    for column in others:
        np.maximum(found[:, 1], lengths[:, column], out=found[:, 1])
    return found


def bucket_lengths(lengths: np.ndarray) -> np.ndarray:
    """What decides a row's bucket: the first of its ``sides``, or the second where the first is empty."""
    return np.where(lengths[:, 0] > 0, lengths[:, 0], lengths[:, 1])

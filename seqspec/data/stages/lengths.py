"""The third stage: which rows each split keeps, and how long their source and target are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.stages.features import num_frames
from seqspec.data.stages.filter import refusals, repeated
from seqspec.data.stages.parts import Feature
from seqspec.data.store.store import Column, Store, StoreWriter, blocks
from seqspec.schema.types import Frames, Points, Text, Type, Waveform

if TYPE_CHECKING:
    from seqspec.schema.data import Data


def write_index(
    folder: Path,
    *,
    config: Data,
    split: str,
    records: Store,
    places: np.ndarray | None,
    place: int,
    roles: Mapping[str, Type],
    ids: Mapping[str, Store],
    frames: Store | None,
    feature: Feature | None,
    frames_per_second: float | None,
) -> None:
    """``rows`` and ``lengths`` of the examples of a split that are left, with the reasons of those that
    are not.

    Columns are read block by block; a byte a row is all that memory holds of them.
    """

    def measured(start: int, stop: int) -> np.ndarray:
        return measure(records, start, stop, roles=roles, ids=ids, frames=frames, feature=feature)

    columns = {"rows": Column("int32", ragged=False), "lengths": Column("int32", ragged=False, width=2)}
    with StoreWriter(folder, columns) as writer:
        if writer.resumed:
            return
        left = _Left(np.ones(records.rows, bool) if places is None else places == place)
        candidates = int(left.kept.sum())
        encoded = [*ids.values(), *([frames] if frames is not None else [])]
        for start, stop in blocks(records.rows):
            _refuse_bad(left, start, stop, encoded)
            lengths = measured(start, stop)
            for column, (role, type_) in enumerate(_both(roles)):
                if type_ is not None and (split == "train" or role == "source"):
                    left.refuse(f"empty {role}", lengths[:, column] == 0, start)
            if split == "train" or not config.filter.train_only:
                for reason, mask in refusals(config.filter, lengths, frames_per_second=frames_per_second):
                    left.refuse(reason, mask, start)
        if split == "train" and config.filter.duplicates == "drop":
            hashed = _hashes(records, roles, left.kept)
            again = repeated(hashed, rows=records.rows, folder=folder)
            left.refuse("stood before, word for word", again, 0)
        for start, stop in blocks(records.rows):
            lengths = measured(start, stop)
            if split == "train" and isinstance(config.batch.buckets, list):
                last = config.batch.buckets[-1]
                left.refuse(f"longer than the last bucket, {last}", bucket_lengths(lengths) > last, start)
            standing = np.flatnonzero(left.kept[start:stop])
            writer.append({"rows": (standing + start).astype(np.int32), "lengths": lengths[standing]})
        writer.commit(dropped=left.dropped, candidates=candidates)


class _Left:
    """The rows that are left, and how many are not for which reason."""

    def __init__(self, kept: np.ndarray) -> None:
        self.kept = kept
        self.dropped: dict[str, int] = {}

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
        for role in roles:
            hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + records.values(f"{role}_hash")[numbers]
        yield numbers, hashes


def measure(
    records: Store,
    start: int,
    stop: int,
    *,
    roles: Mapping[str, Type],
    ids: Mapping[str, Store],
    frames: Store | None,
    feature: Feature | None,
) -> np.ndarray:
    """``[N, 2]`` int32 lengths of rows ``start`` to ``stop``."""
    lengths = np.zeros((stop - start, 2), np.int32)
    ends = slice(start, stop + 1)
    for column, (role, type_) in enumerate(_both(roles)):
        match type_:
            case None:
                continue
            case Text():
                lengths[:, column] = np.diff(ids[role].offsets("ids")[ends])
            case Waveform() if frames is not None:
                lengths[:, column] = np.diff(frames.offsets("frames")[ends])
            case Waveform():
                assert feature is not None
                rows = slice(start, stop)
                lengths[:, column] = num_frames(records, role, feature=feature, rows=rows)
            case Frames() | Points():
                lengths[:, column] = np.diff(records.offsets(role)[ends])
            case _:
                lengths[:, column] = 1
    return lengths


def _both(roles: Mapping[str, Type]) -> tuple[tuple[str, Type | None], tuple[str, Type | None]]:
    return ("source", roles.get("source")), ("target", roles.get("target"))


def _reasons(store: Store) -> list[str]:
    counts: dict[str, int] = store.state.get("drops", {}).get("counts", {})
    return ["; ".join(sorted(counts))[:500]] if counts else []


def bucket_lengths(lengths: np.ndarray) -> np.ndarray:
    """What decides a row's bucket: its source, or its target where there is no source."""
    return np.where(lengths[:, 0] > 0, lengths[:, 0], lengths[:, 1])

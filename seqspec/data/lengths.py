"""The third stage: which rows each split keeps, and how long their source and target are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.features import num_frames
from seqspec.data.filter import refusals, repeated
from seqspec.data.parts import Feature
from seqspec.data.store import Column, Store, StoreWriter
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
    """
    lengths = measure(records, roles=roles, ids=ids, frames=frames, feature=feature)
    kept = np.ones(records.rows, bool) if places is None else places == place
    candidates = int(kept.sum())
    dropped: dict[str, int] = {}

    def refuse(reason: str, mask: np.ndarray) -> None:
        out = kept & mask
        if out.any():
            dropped[reason] = int(out.sum())
            kept[out] = False

    for store in (*ids.values(), *([frames] if frames is not None else [])):
        for reason in _reasons(store):
            refuse(reason, np.asarray(store.values("bad")) == 1)
    for column, (role, type_) in enumerate(_both(roles)):
        if type_ is not None and (split == "train" or role == "source"):
            refuse(f"empty {role}", lengths[:, column] == 0)
    if split == "train" or not config.filter.train_only:
        for reason, mask in refusals(config.filter, lengths, frames_per_second=frames_per_second):
            refuse(reason, mask)
    if split == "train":
        _train_only(config, records, roles, lengths, refuse, kept)
    rows = np.flatnonzero(kept).astype(np.int32)
    columns = {"rows": Column("int32", ragged=False), "lengths": Column("int32", ragged=False, width=2)}
    with StoreWriter(folder, columns) as writer:
        writer.append({"rows": rows, "lengths": lengths[rows]})
        writer.commit(dropped=dropped, candidates=candidates)


def measure(
    records: Store,
    *,
    roles: Mapping[str, Type],
    ids: Mapping[str, Store],
    frames: Store | None,
    feature: Feature | None,
) -> np.ndarray:
    """``[N, 2]`` int32 lengths of every row."""
    lengths = np.zeros((records.rows, 2), np.int32)
    for column, (role, type_) in enumerate(_both(roles)):
        match type_:
            case None:
                continue
            case Text():
                lengths[:, column] = np.diff(ids[role].offsets("ids"))
            case Waveform():
                if frames is not None:
                    lengths[:, column] = np.diff(frames.offsets("frames"))
                else:
                    assert feature is not None
                    lengths[:, column] = num_frames(records, role, feature=feature)
            case Frames() | Points():
                lengths[:, column] = np.diff(records.offsets(role))
            case _:
                lengths[:, column] = 1
    return lengths


def _both(roles: Mapping[str, Type]) -> tuple[tuple[str, Type | None], tuple[str, Type | None]]:
    return ("source", roles.get("source")), ("target", roles.get("target"))


def _reasons(store: Store) -> list[str]:
    counts: dict[str, int] = store.state.get("drops", {}).get("counts", {})
    return ["; ".join(sorted(counts))[:500]] if counts else []


def _train_only(config, records, roles, lengths, refuse, kept) -> None:  # type: ignore[no-untyped-def]
    """What only ever takes out training examples: repetitions, and what fits no bucket."""
    if config.filter.duplicates == "drop":
        hashes = np.zeros(records.rows, np.uint64)
        for role in roles:
            hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + np.asarray(records.values(f"{role}_hash"))
        standing = np.flatnonzero(kept)
        mask = np.zeros(records.rows, bool)
        mask[standing] = repeated(hashes[standing])
        refuse("stood before, word for word", mask)
    if isinstance(config.batch.buckets, list):
        refuse(
            f"longer than the last bucket, {config.batch.buckets[-1]}",
            bucket_lengths(lengths) > config.batch.buckets[-1],
        )


def bucket_lengths(lengths: np.ndarray) -> np.ndarray:
    """What decides a row's bucket: its source, or its target where there is no source."""
    return np.where(lengths[:, 0] > 0, lengths[:, 0], lengths[:, 1])

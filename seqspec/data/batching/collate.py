"""From examples to one ``Batch``: padded, counted, with the share that its loss is divided by."""

# B batch, T time, D features, U target time

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.data.stages.examples import Split
from seqspec.data.stages.packing import PackedSplit, Row
from seqspec.schema.types import Classes, Image, Points, Text, Vector

AnySplit = Split | PackedSplit
Augment = Callable[[Tensor, torch.Generator], Tensor]
TargetUnit = Literal["tokens", "tokens_and_end", "examples"]


def collate(
    split: AnySplit,
    examples: np.ndarray,
    *,
    step: int,
    share: float,
    augments: Sequence[Augment] = (),
    seed: int = 0,
    epoch: int = 0,
) -> Batch:
    """The batch of ``examples``.

    Augmentation of one example depends on the seed, the epoch and the example alone.
    """
    rows = examples.tolist()
    index = torch.from_numpy(examples.astype(np.int64))
    if isinstance(split, PackedSplit):
        packed = [split.row(row, seed=seed, epoch=epoch) for row in rows]
        return _packed(packed, index, step=step, share=share)
    source, source_lengths = None, None
    if "source" in split.roles:
        seeds = [seed_of(seed, "augment", epoch, row) for row in rows] if augments else []
        source, source_lengths = _side(split, "source", examples, augments, seeds)
    target, target_lengths = _side(split, "target", examples, (), [])
    return Batch(source, source_lengths, target, target_lengths, index, step, share)


def _side(
    split: Split, role: str, examples: np.ndarray, augments: Sequence[Augment], seeds: Sequence[int]
) -> tuple[Tensor, Tensor | None]:
    """One role of a batch, and the lengths where there are any."""
    if isinstance(split.roles[role], Text) and not augments:
        ids, lengths = split.padded_ids(role, examples)
        return torch.from_numpy(ids), torch.from_numpy(lengths)
    values: list[Any] = [split.value(role, row) for row in examples.tolist()]
    if augments:
        values = [_augmented(value, augments, seed) for value, seed in zip(values, seeds, strict=True)]
    return joined(split.roles[role], values)


def _packed(rows: Sequence[Row], index: Tensor, *, step: int, share: float) -> Batch:
    """Packed rows: inputs as the source, labels as the target, and the documents in them."""
    source, lengths = pad([row.inputs for row in rows], torch.int64)
    target, _ = pad([row.labels for row in rows], torch.int64)
    segments = None
    if rows[0].segments is not None:
        segments, _ = pad([row.segments for row in rows], torch.int64)
    return Batch(source, lengths, target, lengths, index, step, share, segments)


def count_targets(lengths: np.ndarray, unit: TargetUnit) -> int:
    """What the losses of examples with ``[n, 2]`` lengths are summed over."""
    match unit:
        case "examples":
            return len(lengths)
        case "tokens":
            return int(lengths[:, 1].sum())
        case "tokens_and_end":
            return int(lengths[:, 1].sum()) + len(lengths)


def share_of(lengths: np.ndarray, *, unit: TargetUnit, slices: int) -> float:
    """What each slice's sum is divided by, so that the mean over the slices is the mean over the global
    batch.
    """
    return max(count_targets(lengths, unit), 1) / slices


NOTHING = math.inf
"""The share of a slice that has no example of its own and repeats one: its gradient is nought."""


def _augmented(value: Any, augments: Sequence[Augment], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.tensor(np.asarray(value, np.int64 if value.dtype.kind in "iu" else np.float32))
    for augment in augments:
        x = augment(x, generator)
    return x


def joined(type_: object, values: Sequence[Any]) -> tuple[Tensor, Tensor | None]:
    """Values of one role as one tensor, padded where they have lengths."""
    match type_:
        case Classes():
            return torch.tensor(values, dtype=torch.int64), None
        case Image() | Vector():
            return torch.stack(
                [torch.as_tensor(np.asarray(value), dtype=torch.float32) for value in values]
            ), None
        case Text():
            return pad(values, torch.int64)
        case Points():
            return pad(values, torch.float32)
    return pad(values, torch.float32)


def pad(values: Sequence[Any], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """``[B, T, …]`` with zeros after each sequence, and ``[B]`` lengths."""
    lengths = torch.tensor([len(value) for value in values], dtype=torch.int64)
    shape = (len(values), int(lengths.max()), *values[0].shape[1:])
    joined = torch.zeros(shape, dtype=dtype)
    filled = joined.numpy()
    for number, value in enumerate(values):
        filled[number, : len(value)] = value
    return joined, lengths

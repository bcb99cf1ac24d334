"""From examples to one ``Batch``: padded, counted, with the normaliser that its loss is divided by."""

# B batch, T time, D features, U target time

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqspec.data.batching.batch import Batch, Field
from seqspec.data.batching.mixing_partners import Mixer, mixed, partners
from seqspec.data.seeds import seed_of
from seqspec.data.stages.examples import Split
from seqspec.data.stages.packing import PackedSplit, Row
from seqspec.schema.types import Classes, Counted, Image, Integers, Mask, Scalar, Text, Type, Vector, in_order

AnySplit = Split | PackedSplit
Augment = Callable[[Tensor, torch.Generator], Tensor]
Augments = Mapping[str, Sequence[Augment]]
"""Augmentation of training examples, by field."""


def collate(
    split: AnySplit,
    examples: np.ndarray,
    *,
    step: int,
    loss_normalizers: Mapping[str, float],
    augments: Augments | None = None,
    seed: int = 0,
    epoch: int = 0,
    mixers: Mapping[str, Sequence[Mixer]] | None = None,
    whole: np.ndarray | None = None,
    waveform_augments: Augments | None = None,
) -> Batch:
    """The batch of ``examples``; with ``mixers``, each mixed with another of ``whole``, the global batch.

    Augmentation of one example depends on the seed, the epoch and the example alone; every field of it draws
    from the same random numbers, so that like steps change an image and its mask alike.
    """
    rows = examples.tolist()
    index = torch.from_numpy(examples.astype(np.int64))
    if isinstance(split, PackedSplit):
        packed = [split.row(row, seed=seed, epoch=epoch) for row in rows]
        return _packed(packed, index, step=step, loss_normalizers=loss_normalizers)
    steps = {role: Steps.of(role, waveform_augments, augments) for role in in_order(split.roles)}
    changed = any(one.waveform or one.value for one in steps.values())
    seeds = [augment_seed(seed, epoch=epoch, row=row) for row in rows] if changed else []
    fields = {role: _field(split, role, examples, steps[role], seeds) for role in in_order(split.roles)}
    batch = Batch(fields, index, step, loss_normalizers)
    if not mixers or whole is None:
        return batch
    other = np.array(partners(rows, whole.tolist(), seed=seed, epoch=epoch))
    beside = collate(
        split,
        other,
        step=step,
        loss_normalizers=loss_normalizers,
        augments=augments,
        seed=seed,
        epoch=epoch,
        waveform_augments=waveform_augments,
    )
    return mixed(batch, beside, split, mixers, seed=seed, epoch=epoch)


class Steps(NamedTuple):
    """The augmentation of one field."""

    waveform: Sequence[Augment] = ()
    """Of the samples of a recording."""
    value: Sequence[Augment] = ()
    """Of what the model would get."""

    @classmethod
    def of(cls, role: str, waveform: Augments | None, value: Augments | None) -> Steps:
        """The steps of a field."""
        return cls((waveform or {}).get(role, ()), (value or {}).get(role, ()))


def augment_seed(seed: int, *, epoch: int, row: int) -> int:
    """What decides the augmentation of an example of an epoch."""
    return seed_of(seed, "augment", epoch, row)


def _field(split: Split, role: str, examples: np.ndarray, steps: Steps, seeds: Sequence[int]) -> Field:
    """One field of a batch, with its lengths where there are any."""
    if steps.waveform:
        pairs = zip(examples.tolist(), seeds, strict=True)
        values: Any = [augmented(split, role, row, steps, seed=seed) for row, seed in pairs]
    elif steps.value:
        pairs = zip(split.values(role, examples), seeds, strict=True)
        values = [_changed(value, steps, torch.Generator().manual_seed(seed)) for value, seed in pairs]
    elif isinstance(split.roles[role], Text):
        ids, lengths = split.padded_ids(role, examples)
        return Field(torch.from_numpy(ids), torch.from_numpy(lengths))
    else:
        values = split.values(role, examples)
    return joined(split.roles[role], values)


def _packed(rows: Sequence[Row], index: Tensor, *, step: int, loss_normalizers: Mapping[str, float]) -> Batch:
    """Packed rows: inputs as the source, labels as the target, and the documents in them."""
    inputs = pad([row.inputs for row in rows], torch.int64)
    labels = pad([row.labels for row in rows], torch.int64)
    segments = None
    if rows[0].segments is not None:
        segments = pad([row.segments for row in rows], torch.int64).values
    fields = {"source": inputs, "target": labels._replace(lengths=inputs.lengths)}
    return Batch(fields, index, step, loss_normalizers, segments)


def count_targets(split: AnySplit, examples: np.ndarray, counted: Counted) -> int:
    """What the losses of examples are summed over."""
    match counted.unit:
        case "examples":
            return len(examples)
        case "tokens" | "frames":
            return int(split.lengths_of(counted.field)[examples].sum())
        case "tokens_and_end":
            return int(split.lengths_of(counted.field)[examples].sum()) + len(examples)


def loss_normalizers_of(
    split: AnySplit, examples: np.ndarray, *, counted: Mapping[str, Counted], micro_batches: int
) -> dict[str, float]:
    """What each micro-batch's sums are divided by, so that the mean over the micro-batches is the mean over
    the global batch of ``examples``.
    """
    return {name: max(count_targets(split, examples, of), 1) / micro_batches for name, of in counted.items()}


NOTHING = math.inf
"""The normalisers of a micro-batch that has no example of its own and repeats one: its gradient is zero."""


def augmented(split: Split, role: str, index: int, steps: Steps, *, seed: int) -> Tensor:
    """One field of one example as training gets it.  Where its samples are changed, its frames are computed
    anew.
    """
    generator = torch.Generator().manual_seed(seed)
    if steps.waveform:
        wave_L = augmented_samples(split, role, index, steps, generator)
        value: Any = split.framed(role, wave_L.numpy())
    else:
        value = split.value(role, index)
    return _changed(value, steps, generator)


def _changed(value: Any, steps: Steps, generator: torch.Generator) -> Tensor:
    """What the model would get, changed; a copy."""
    held = np.asarray(value)
    x = torch.tensor(held.astype(np.int64 if held.dtype.kind in "iu" else np.float32, copy=False))
    for augment in steps.value:
        x = augment(x, generator)
    return x


def augmented_samples(
    split: Split, role: str, index: int, steps: Steps, generator: torch.Generator
) -> Tensor:
    """``[L]``: the recording of an example, changed; as it was where too little is left for one frame."""
    original_L = torch.from_numpy(split.samples(role, index))
    wave_L = original_L
    for augment in steps.waveform:
        wave_L = augment(wave_L, generator)
    return wave_L if split.features[role].num_frames(len(wave_L)) else original_L


def joined(type_: Type, values: Sequence[Any] | np.ndarray) -> Field:
    """Values of one field as one tensor, padded where they have lengths."""
    match type_:
        case Classes():
            return Field(torch.tensor(values, dtype=torch.int64))
        case Scalar():
            return Field(torch.tensor(values, dtype=torch.float32))
        case Mask():
            return Field(torch.from_numpy(_stacked(values, np.int64)))
        case Image() | Vector():
            return Field(torch.from_numpy(_stacked(values, np.float32)))
        case Text() | Integers():
            return pad(values, torch.int64)
    return pad(values, torch.float32)


def _stacked(values: Sequence[Any] | np.ndarray, dtype: type[np.generic]) -> np.ndarray:
    if isinstance(values, np.ndarray):
        return values.astype(dtype, copy=False)
    return np.stack([np.asarray(value, dtype) for value in values])


def pad(values: Sequence[Any] | np.ndarray, dtype: torch.dtype) -> Field:
    """``[B, T, …]`` with zeros after each sequence, and ``[B]`` lengths."""
    lengths = torch.tensor([len(value) for value in values], dtype=torch.int64)
    shape = (len(values), int(lengths.max()), *values[0].shape[1:])
    joined = torch.zeros(shape, dtype=dtype)
    filled = joined.numpy()
    for number, value in enumerate(values):
        filled[number, : len(value)] = value
    return Field(joined, lengths)

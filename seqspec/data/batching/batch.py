"""The batch: what a loader gives and a model takes."""

# B batch, T source time, D features, U target time

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Batch(NamedTuple):
    """One slice of one optimiser step's batch, or one batch of an evaluation."""

    source: Tensor | None
    """``[B, T]`` int64 ids, ``[B, T, D]`` float32 frames, ``[B, C, H, W]`` pictures, or none for language
    models.
    """
    source_lengths: Tensor | None
    """``[B]`` int64."""
    target: Tensor
    """``[B, U]`` int64 ids without BOS and EOS, padded with 0; ``[B]`` for class labels."""
    target_lengths: Tensor | None
    """``[B]`` int64."""
    index: Tensor  # type: ignore[assignment]
    """``[B]`` int64: the row of each example in its split."""
    step: int
    """Micro-step of the whole run, from 0; evaluation counts its own batches."""
    share: float
    """What the sum of losses is divided by: the global batch's targets over its number of slices."""
    segments: Tensor | None = None
    """``[B, U]`` int64: the document that each packed token belongs to, from 1; 0 is padding."""

"""What the convolutions that shorten a sequence of frames cost.

They run over time and frequency, so a weight is used once a bin as well as once a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

from seqspec.schema.types import Frames, Type

AREA = 9
"""Weights of a 3 × 3 kernel, one channel to one channel."""


class Over(NamedTuple):
    """One convolution over time and bins."""

    inputs: int
    outputs: int
    places: float
    """Of what it gives, bins and steps, for each frame that reaches the encoder."""


def convolutions(config: Any, frames: Type) -> Iterator[Over]:
    """The convolutions of an encoder of frames; none for an encoder without."""
    shape = _shape(config)
    if not isinstance(frames, Frames) or shape is None:
        return
    channels, across, along = shape
    bins, steps = frames.dim // frames.channels, 1.0
    for (before, after), over, by in zip(pairwise([frames.channels, *channels]), across, along, strict=True):
        bins, steps = ceil(bins / over), steps / by
        yield Over(before, after, bins * steps)


def used(config: Any, frames: Type) -> float:
    """How often weights are used for one frame, all of them together."""
    return sum(AREA * one.inputs * one.outputs * one.places for one in convolutions(config, frames))


def kept(config: Any, frames: Type) -> float:
    """Numbers a frame that stay for the backward pass: what each gives, before and after ReLU; normalised,
    twice as many.
    """
    numbers = 4 if hasattr(config, "batch_norm_decay") else 2
    return sum(numbers * one.outputs * one.places for one in convolutions(config, frames))


def _shape(config: Any) -> tuple[list[int], list[int], list[int]] | None:
    """Channels, strides over bins and strides over time."""
    if hasattr(config, "bin_strides"):
        return config.channels, config.bin_strides, config.time_strides
    if hasattr(config, "subsampling"):
        halved = [2] * (config.subsampling.bit_length() - 1)
        return [config.subsampling_channels or config.dim] * len(halved), halved, halved
    return None

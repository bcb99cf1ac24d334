"""What the convolutions that shorten a sequence of frames cost.

They run over time and frequency, so a weight is used once a bin as well as once a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

from seqspec.schema.layers.convolution_cost import Shortening
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
    shape = shortening(config)
    if not isinstance(frames, Frames) or shape is None:
        return
    bins, steps = frames.dim // frames.channels, 1.0
    for (before, after), over, by in _steps(shape, frames):
        bins, steps = ceil(bins / over), steps / by
        yield Over(before, after, bins * steps)


def shortening(config: Any) -> Shortening | None:
    """What an encoder says of its convolutions; ``None`` where it has none."""
    told = getattr(config, "shortening", None)
    return None if told is None else told()


def _steps(shape: Shortening, frames: Frames) -> Iterator[tuple[tuple[int, int], int, int]]:
    widths = pairwise([frames.channels, *shape.channels])
    return zip(widths, shape.bin_strides, shape.time_strides, strict=True)


def used(config: Any, frames: Type) -> float:
    """How often weights are used for one frame, all of them together."""
    return sum(AREA * one.inputs * one.outputs * one.places for one in convolutions(config, frames))


def kept(config: Any, frames: Type) -> float:
    """Numbers a frame that stay for the backward pass."""
    shape = shortening(config)
    numbers = 0 if shape is None else shape.kept
    return sum(numbers * one.outputs * one.places for one in convolutions(config, frames))

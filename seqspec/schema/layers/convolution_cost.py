"""What a convolution over images costs, by arithmetic: weights, multiplications, numbers kept for the
backward pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Convolved(NamedTuple):
    """One convolution with what belongs to it."""

    inputs: int
    outputs: int
    kernel: int
    pixels: int
    """Of what it gives."""
    separable: bool = False
    """Each channel alone, then a mixture of them."""
    bias: bool = False

    @property
    def weights(self) -> int:
        """Of the convolution alone, without a bias."""
        area = self.kernel**2
        return self.inputs * (area + self.outputs) if self.separable else self.inputs * area * self.outputs

    @property
    def parameters(self) -> int:
        """Its weights and bias, and the gain and offset of the normalisation after it."""
        return self.weights + self.outputs * (2 + self.bias)


class Shortening(NamedTuple):
    """The 3 × 3 convolutions over time and frequency that an encoder of frames begins with."""

    channels: list[int]
    """Of what each gives."""
    bin_strides: list[int]
    time_strides: list[int]
    kept: int = 2
    """Numbers that each output leaves for the backward pass: before and after ReLU; normalised, twice as
    many.
    """
    weights: str = "convolutions."
    """What the names of their weights begin with, below the encoder."""


def parameters(layers: Iterable[Convolved]) -> int:
    """Trainable parameters of them all."""
    return sum(layer.parameters for layer in layers)


def uses(layers: Iterable[Convolved]) -> int:
    """How often weights are used for one image."""
    return sum(layer.weights * layer.pixels for layer in layers)


def kept(layers: Iterable[Convolved]) -> int:
    """Numbers that one image leaves for the backward pass: what is convolved, what is normalised, and what
    goes on.
    """
    return sum((3 * layer.outputs + layer.inputs * layer.separable) * layer.pixels for layer in layers)


def shrunk(size: int, *, times: int) -> int:
    """Pixels of a height or width after it was halved so often, an odd one rounded up each time."""
    return -(-size // (1 << times))

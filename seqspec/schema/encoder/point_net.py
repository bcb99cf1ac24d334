"""PointNet: Qi, Su, Mo and Guibas (2017), "PointNet: Deep Learning on Point Sets for 3D Classification and
Segmentation", CVPR, arXiv:1612.00593.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Points, Type, Vector
from seqspec.schema.units import Dim, Fraction, Probability

ALIGNED = 2
"""Layers of each point before its features are turned."""


class Alignment(NamedTuple):
    """A small network of the same kind that gives the matrix by which points, or features, are turned."""

    inputs: int
    """Height and width of the matrix."""
    widths: tuple[int, ...]
    hidden: tuple[int, ...]


class PointNetConfig(Config):
    """Layers that every point goes through alone, the largest value of each feature over all points, then
    layers over those.  The order of points carries no meaning.  The defaults are the paper's.
    """

    widths: Annotated[list[Dim], Field(min_length=3, max_length=16)] = [64, 64, 64, 128, 1024]
    """Widths of the layers that every point goes through, each with batch normalisation and ReLU."""
    hidden: Annotated[list[Dim], Field(min_length=1, max_length=8)] = [512, 256]
    """Widths of the layers over the largest values; the last is that of the vector that is given."""
    align: Literal["points_and_features", "points", "none"] = "points_and_features"
    """What learned matrices turn into a common pose: the points, and their features after the second layer
    as well; the latter's matrix is held near a rotation by a penalty of 0.001 times its distance.
    """
    dropout: Probability = 0.3
    """Dropout on the vector that is given."""
    decay: Fraction = 0.9
    """Decay of the running mean and variance of batch normalisation; the paper raises it from 0.5 to 0.99."""

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Points):
            raise Mismatch(
                f"`point_net` reads sets of points, and this is {source}",
                help="for images use `lenet`, for text `transformer`, for sound `conformer`",
            )
        return Vector(self.hidden[-1])

    def auxiliary(self) -> dict[str, float]:
        """The distance of the features' matrix from a rotation, with its weight (section 4.2)."""
        return {"rotation": 0.001} if self.align == "points_and_features" else {}

    def alignments(self, source: Points) -> tuple[Alignment, ...]:
        """The networks that align: of points, of features."""
        sizes = {"none": (), "points": (source.dim,)}
        inputs = sizes.get(self.align, (source.dim, self.widths[ALIGNED - 1]))
        widths = (self.widths[0], *self.widths[-2:])
        return tuple(Alignment(size, widths, tuple(self.hidden)) for size in inputs)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, Points)
        total = sum(_layers([source.dim, *self.widths, *self.hidden]))
        for inputs, widths, hidden in self.alignments(source):
            total += sum(_layers([inputs, *widths, *hidden])) + (hidden[-1] + 1) * inputs**2
        return total


def _layers(widths: list[int]) -> Iterator[int]:
    """Weights of each layer, and of the normalisation that follows it."""
    return (before * after + 2 * after for before, after in pairwise(widths))

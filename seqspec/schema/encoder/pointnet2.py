"""PointNet++: Qi, Yi, Su and Guibas (2017), "PointNet++: Deep Hierarchical Feature Learning on Point Sets in
a Metric Space", NeurIPS, arXiv:1706.02413.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Points, Type, Vector
from seqspec.schema.units import Dim, Fraction, Positive, PositiveFloat, Probability

Widths = Annotated[list[Dim], Field(min_length=1, max_length=16)]
COORDINATES = 3
"""Numbers of a point that say where it lies; what follows them, such as a normal, is a feature."""


class Scale(Config):
    """The neighbourhoods of one size, and what reads them."""

    radius: PositiveFloat
    """Radius of the ball around each chosen point, in units of the coordinates."""
    num_neighbors: Positive
    """Points that are taken out of a ball; where it has fewer, its first is taken again."""
    widths: Widths
    """Widths of the layers that every point of a ball goes through before the largest values are taken."""


class Level(Config):
    """One step from a set of points to a smaller one."""

    num_points: Positive
    """Points that are kept, each as far from the others as can be."""
    scales: Annotated[list[Scale], Field(min_length=1, max_length=8)]
    """Neighbourhoods that are read around each of them; several are the paper's multi-scale grouping."""


def single_scale() -> list[Level]:
    """The paper's network for ModelNet40 (its supplement, section B.1)."""
    return [
        Level(num_points=512, scales=[Scale(radius=0.2, num_neighbors=32, widths=[64, 64, 128])]),
        Level(num_points=128, scales=[Scale(radius=0.4, num_neighbors=64, widths=[128, 128, 256])]),
    ]


class Pointnet2Config(Config):
    """Chooses points that lie far apart, describes the neighbourhood of each by a small PointNet, and does so
    again with what it has; at the end all that is left is one neighbourhood.  The defaults are the paper's.

    The first point of a set is where the choice begins, so that another order of the others changes nothing.
    """

    levels: Annotated[list[Level], Field(min_length=1, max_length=8)] = Field(default_factory=single_scale)
    """The steps to smaller sets, the first first."""
    widths: Widths = [256, 512, 1024]
    """Widths of the layers that the points of the last level go through before the largest values of all."""
    hidden: Annotated[list[Dim], Field(min_length=1, max_length=8)] = [512, 256]
    """Widths of the layers over the largest values; the last is that of the vector that is given."""
    bias: bool = True
    """Layers have the bias of the published code, though the normalisation after it takes it out again."""
    dropout: Probability = 0.4
    """Dropout behind each of the layers over the largest values."""
    decay: Fraction = 0.9
    """Decay of the running mean and variance of batch normalisation."""

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Points):
            raise Mismatch(
                f"`pointnet2` reads sets of points, and this is {source}",
                help="for images use `resnet`, for text `transformer`, for sound `conformer`",
            )
        require_enough(self.levels, source)
        return Vector(self.hidden[-1])

    def read(self, source: Points) -> tuple[tuple[int, ...], ...]:
        """Features that each scale of each level reads, and at the end those of the last set: features of a
        point beside its place in its neighbourhood.
        """
        place = min(source.dim, COORDINATES)
        features, found = source.dim - place, []
        for level in self.levels:
            found.append((place + features,) * len(level.scales))
            features = sum(scale.widths[-1] for scale in level.scales)
        return (*found, (place + features,))

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, Points)
        *levels, (last,) = self.read(source)
        chains = [
            [inputs, *scale.widths]
            for level, read in zip(self.levels, levels, strict=True)
            for scale, inputs in zip(level.scales, read, strict=True)
        ]
        chains.append([last, *self.widths, *self.hidden])
        return sum(n for chain in chains for n in layer_weights(chain, bias=self.bias))


def layer_weights(widths: list[int], *, bias: bool) -> Iterator[int]:
    """Weights of each layer, and of the normalisation that follows it."""
    return (before * after + (2 + bias) * after for before, after in pairwise(widths))


def require_enough(levels: Sequence[Level], points: Points) -> None:
    """Raises ``Mismatch`` where a level chooses more points than the one before it has."""
    before, whose = points.num, "a set"
    for place, level in enumerate(levels):
        if before and level.num_points > before:
            raise Mismatch(
                f"{level.num_points} points cannot be chosen: {whose} has {before}",
                at=("levels", place, "num_points"),
                help=f"choose at most {before}, or draw more points in the corpus",
            )
        before, whose = level.num_points, "the level before"

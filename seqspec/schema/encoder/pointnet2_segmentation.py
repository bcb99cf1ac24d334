"""PointNet++ for the class of each point: Qi et al. (2017), arXiv:1706.02413, section 3.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.encoder._point_parts import points_and_categories
from seqspec.schema.encoder.pointnet2 import (
    COORDINATES,
    Level,
    Widths,
    layer_weights,
    require_enough,
    single_scale,
)
from seqspec.schema.types import Points, Type
from seqspec.schema.units import Dim, Fraction, Probability

NEAREST = 3
"""Points of the smaller set that a point is interpolated from."""


class Pointnet2SegmentationConfig(Config):
    """Goes to smaller and smaller sets as ``pointnet2`` does, then back: features of a set are interpolated
    at the points of the one before, from the three nearest, and read beside what these had.  The defaults are
    the paper's network for parts.

    Places count among a point's features, and the category of the thing, where the corpus tells one, is read
    at the last step, as in the published code.
    """

    levels: Annotated[list[Level], Field(min_length=1, max_length=8)] = Field(default_factory=single_scale)
    """The steps to smaller sets, the first first."""
    widths: Widths = [256, 512, 1024]
    """Widths of the layers that the points of the last level go through before the largest values of all."""
    propagation: Annotated[list[Widths], Field(min_length=2, max_length=9)] = [
        [256, 256],
        [256, 128],
        [128, 128, 128],
    ]
    """Widths of the layers of each step back, the step from the whole first; one more than levels."""
    dim: Dim = 128
    """Width of the features that each point has in the end."""
    bias: bool = True
    """Layers have the bias of the published code, though the normalisation after it takes it out again."""
    dropout: Probability = 0.5
    """Dropout on the features that are given."""
    decay: Fraction = 0.9
    """Decay of the running mean and variance of batch normalisation."""

    def output(self, source: Type | Mapping[str, Type]) -> Points:
        points, _ = self.given(source)
        if len(self.propagation) != len(self.levels) + 1:
            raise Mismatch(
                f"{len(self.levels)} levels are {len(self.levels) + 1} steps back, and widths are given of "
                f"{len(self.propagation)}",
                at=("propagation",),
                help="give widths of the step from the whole set, and of one for each level",
            )
        require_enough(self.levels, points)
        return Points(self.dim, num=points.num)

    def given(self, source: Type | Mapping[str, Type]) -> tuple[Points, int]:
        """The points, and how many categories there are, 0 where none is told.  Raises ``Mismatch``."""
        return points_and_categories(self.component[1], source)

    def read(self, source: Points) -> tuple[tuple[int, ...], ...]:
        """Features that each scale of each level reads, and at the end those of the last set."""
        place, features = min(source.dim, COORDINATES), source.dim
        found = []
        for level in self.levels:
            found.append((place + features,) * len(level.scales))
            features = sum(scale.widths[-1] for scale in level.scales)
        return (*found, (place + features,))

    def back(self, source: Points, categories: int) -> tuple[tuple[int, ...], ...]:
        """Widths of each step back, what it reads first."""
        held = [source.dim + min(source.dim, COORDINATES) + categories]
        held += [sum(scale.widths[-1] for scale in level.scales) for level in self.levels]
        above, found = self.widths[-1], []
        for beside, widths in zip(reversed(held), self.propagation, strict=True):
            found.append((above + beside, *widths))
            above = widths[-1]
        return tuple(found)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source, categories = self.given(takes.get("source", takes))
        *levels, (last,) = self.read(source)
        chains = [
            [inputs, *scale.widths]
            for level, read in zip(self.levels, levels, strict=True)
            for scale, inputs in zip(level.scales, read, strict=True)
        ]
        chains.append([last, *self.widths])
        chains += [list(widths) for widths in self.back(source, categories)]
        chains.append([self.propagation[-1][-1], self.dim])
        return sum(n for chain in chains for n in layer_weights(chain, bias=self.bias))

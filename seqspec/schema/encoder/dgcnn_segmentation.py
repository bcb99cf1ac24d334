"""DGCNN for the class of each point: Wang et al. (2019), arXiv:1801.07829, section 4.2 and figure 3."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.encoder._point_parts import points_and_categories
from seqspec.schema.encoder.pointnet2 import COORDINATES, Widths
from seqspec.schema.types import Points, Type
from seqspec.schema.units import Dim, Fraction, Positive, Probability

TURNED = (64, 128), 1024, (512, 256)
"""Widths of the network that turns the points: over pairs, over points, over the whole set."""


class DgcnnSegmentationConfig(Config):
    """Turns the places of the points by a matrix, goes through layers over pairs of near points as ``dgcnn``
    does, and reads at each point what all of them gave, the largest values over the whole set, and the
    category of the thing where the corpus tells one.  The defaults are the paper's network for parts.
    """

    num_neighbors: Positive = 40
    """Points that each is joined to, itself among them."""
    edges: Annotated[list[Widths], Field(min_length=1, max_length=16)] = [[64, 64], [64, 64], [64]]
    """Widths of the layers over pairs of points, in groups; after each group the largest values are taken and
    points are joined anew.
    """
    whole: Dim = 1024
    """Width of the layer that reads all groups, before the largest values over the set are taken."""
    category_dim: Dim = 64
    """Width of the layer that reads the category."""
    hidden: Widths = [256, 256, 128]
    """Widths of the layers of each point over all that; the last is that of the features that are given."""
    dropout: Probability = 0.5
    """Dropout behind each of those layers but the last."""
    decay: Fraction = 0.9
    """Decay of the running mean and variance of batch normalisation."""

    def output(self, source: Type | Mapping[str, Type]) -> Points:
        points, _ = self.given(source)
        if points.num and self.num_neighbors > points.num:
            raise Mismatch(
                f"a point cannot have {self.num_neighbors} neighbours in a set of {points.num} points",
                at=("num_neighbors",),
                help=f"join it to at most {points.num}, itself among them, or draw more points in the corpus",
            )
        return Points(self.hidden[-1], num=points.num)

    def given(self, source: Type | Mapping[str, Type]) -> tuple[Points, int]:
        """The points, and how many categories there are, 0 where none is told.  Raises ``Mismatch``."""
        return points_and_categories(self.component[1], source)

    def read(self, categories: int) -> int:
        """Features of a point that the first of the ``hidden`` layers reads."""
        return self.whole + sum(widths[-1] for widths in self.edges) + self.category_dim * bool(categories)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters; no layer but that of the matrix has a bias."""
        points, categories = self.given(takes.get("source", takes))
        size = min(points.dim, COORDINATES)
        pairs, each, all_ = TURNED
        chains = [[2 * points.dim, *pairs, each, *all_]]
        before = points.dim
        for widths in self.edges:
            chains.append([2 * before, *widths])
            before = widths[-1]
        chains.append([sum(widths[-1] for widths in self.edges), self.whole])
        chains.append([categories, self.category_dim] if categories else [0])
        chains.append([self.read(categories), *self.hidden])
        matrix = (all_[-1] + 1) * size**2
        return matrix + sum((a + 2) * b for chain in chains for a, b in pairwise(chain))

"""DGCNN: Wang, Sun, Liu, Sarma, Bronstein and Solomon (2019), "Dynamic Graph CNN for Learning on Point
Clouds", ACM Transactions on Graphics 38(5), arXiv:1801.07829.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Points, Type, Vector
from seqspec.schema.units import Dim, Fraction, Positive, Probability


class DgcnnConfig(Config):
    """Each layer joins every point to the points that are nearest by the features of the layer before, and
    keeps the largest value of each feature over them.  The order of points carries no meaning.  The defaults
    are the paper's network for classes.
    """

    num_neighbors: Positive = 20
    """Points that each is joined to, itself among them."""
    widths: Annotated[list[Dim], Field(min_length=1, max_length=16)] = [64, 64, 128, 256]
    """Width of each layer over pairs of points."""
    dim: Dim = 1024
    """Width of the layer that reads what all of them gave, before the largest value and the mean are taken.
    """
    hidden: Annotated[list[Dim], Field(min_length=1, max_length=8)] = [512, 256]
    """Widths of the layers over those; the last is that of the vector that is given."""
    dropout: Probability = 0.5
    """Dropout behind each of the layers over the whole set."""
    decay: Fraction = 0.9
    """Decay of the running mean and variance of batch normalisation."""

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Points):
            raise Mismatch(
                f"`dgcnn` reads sets of points, and this is {source}",
                help="for images use `resnet`, for text `transformer`, for sound `conformer`",
            )
        if source.num and self.num_neighbors > source.num:
            raise Mismatch(
                f"a point cannot have {self.num_neighbors} neighbours in a set of {source.num} points",
                at=("num_neighbors",),
                help=f"join it to at most {source.num}, itself among them, or draw more points in the corpus",
            )
        return Vector(self.hidden[-1])

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters: a layer over pairs reads a point and the difference of another from it; the
        layers over the whole set have a bias but for the first.
        """
        source = takes["source"]
        assert isinstance(source, Points)
        pairs = sum((2 * before + 2) * after for before, after in pairwise([source.dim, *self.widths]))
        every = (sum(self.widths) + 2) * self.dim
        last = sum((before + 2) * after for before, after in pairwise([2 * self.dim, *self.hidden]))
        return pairs + every + last + sum(self.hidden[1:])

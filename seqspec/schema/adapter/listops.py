"""ListOps: Nangia & Bowman (2018), "ListOps: A Diagnostic Dataset for Latent Tree Learning",
arXiv:1804.06028; as drawn for Long Range Arena, Tay et al. (2021), arXiv:2011.04006.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Classes, Nothing, Text, Type
from seqspec.schema.units import Count, Positive, Seed


class ListopsConfig(AdapterConfig):
    """Nested minima, maxima, medians and sums modulo 10 of digits; the label is the value of the whole.

    An example is a pure function of (``seed``, split, index), and no expression is in two splits.  With
    ``root``, Long Range Arena's ``basic_{train,val,test}.tsv`` are read instead.
    """

    max_depth: Annotated[int, Field(ge=2, le=50)] = 10
    """Depth at which every node is a digit; the root is at 1."""
    max_arguments: Annotated[int, Field(ge=2, le=100)] = 10
    """Most arguments of an operator, which has two at least."""
    longer_than: Count = 500
    """Expressions of this many symbols or fewer are not kept; a digit is one symbol, an operator two."""
    shorter_than: Positive = 2000
    """Expressions of this many symbols or more are not kept."""
    train: Positive = 96_000
    """Training examples."""
    dev: Positive = 2000
    """Examples that decide when to stop."""
    test: Positive = 2000
    """Examples for the last word."""
    seed: Seed = 0
    """Decides the examples, whatever the seed of the experiment."""

    def roles(self) -> dict[str, Type]:
        return {"source": Text("zxx"), "target": Classes(10)}

    def output(self, source: Type) -> Type:
        """Nothing flows; refuses bounds that no expression meets."""
        if self.shorter_than <= self.longer_than + 1:
            raise Mismatch(
                f"no expression is longer than {self.longer_than} and shorter than {self.shorter_than}",
                at=("shorter_than",),
            )
        if self.longer_than >= _longest(self.max_depth, self.max_arguments):
            raise Mismatch(
                f"no expression of depth {self.max_depth} is longer than {self.longer_than} symbols",
                at=("longer_than",),
                help="set `longer_than` lower, or `max_depth` higher",
            )
        return Nothing()


def _longest(depth: int, arguments: int) -> int:
    longest = 1
    for _ in range(depth - 1):
        longest = 2 + arguments * longest
    return longest

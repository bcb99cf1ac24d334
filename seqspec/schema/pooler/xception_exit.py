"""Xception's exit flow over an encoder's states: MultiModel's net for categories, Kaiser et al. (2017), "One
Model To Learn Them All", arXiv:1706.05137, section 2.5; Chollet (2017), arXiv:1610.02357, figure 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.types import Image, States, Type, Vector
from seqspec.schema.units import Dim, InferredMark


class XceptionExitConfig(Config):
    """Separable convolutions that shorten the states and widen them; then the mean of what is above zero."""

    grid: Annotated[Literal["square", "line"] | None, InferredMark()] = None
    """``square``: the states are a square image again, halved by 3 × 3 windows; ``line``: windows of 5
    states quarter them.  Left out, ``square`` for a square image.
    """
    widths: Annotated[list[Dim] | None, Field(min_length=3, max_length=3)] = None
    """Width after the first two convolutions, after the third and after the last; left out, 1.25, 2 and 2.5
    times that of the states (Tensor2Tensor).
    """
    columns: bool = False
    """Give each convolution of a square further weights for images of one column, as Tensor2Tensor does;
    nothing larger reads them.
    """

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Vector:
        hidden, read = source["hidden"], source["source"]
        if not isinstance(hidden, States):
            raise Mismatch(f"an exit flow reads a sequence of states, and this is {hidden}")
        if self.widths is None and hidden.dim % 4:
            raise Mismatch(
                f"states of width {hidden.dim} cannot grow by a quarter",
                help=f"use a width that 4 divides, such as {hidden.dim + -hidden.dim % 4}, or set `widths`",
            )
        square = isinstance(read, Image) and read.height == read.width
        grid = self.grid
        if grid is None:
            reason = "the source is a square image" if square else "the source is no square image"
            grid = flow.derive("grid", "square" if square else "line", reason)
        if grid == "square" and not square:
            message = f"the states make no square: the source is {read}"
            raise Mismatch(message, at=("grid",), help="use `grid: line`")
        if grid == "line" and self.columns:
            raise Mismatch("only a square has columns", at=("columns",), help="take it out")
        return Vector(self.widths_over(hidden.dim)[-1])

    def widths_over(self, dim: int) -> tuple[int, int, int]:
        """The three widths over states of width ``dim``."""
        first, second, last = self.widths or (dim * 5 // 4, 2 * dim, dim * 5 // 2)
        return first, second, last

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        hidden = takes["hidden"]
        assert isinstance(hidden, States)
        dim = hidden.dim
        first, second, last = self.widths_over(dim)
        pairs = ((dim, dim), (dim, first), (first, second), (second, last))
        kernels = [5] if self.grid == "line" else [9, 3] if self.columns else [9]
        convolved = sum(
            kernel * dim * first + sum(a * kernel + a * b for a, b in pairs) for kernel in kernels
        )
        return convolved + 2 * (first + sum(b for _, b in pairs))

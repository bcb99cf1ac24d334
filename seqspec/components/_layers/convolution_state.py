"""Where a search stands in a decoder of convolutions with attention between them."""

# N hypotheses (B times the beam), S memory time

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, Protocol, Self, TypeVar

from torch import Tensor

Windows = tuple[tuple[Tensor, ...], ...]


class Look(Protocol):
    """What one block of attention keeps between steps."""

    def select(self, rows_N: Tensor, *, filled: int) -> Self:
        """The hypotheses in ``rows_N``; ``filled`` is how many keys there are."""
        ...

    def keep(self, examples_B: Tensor) -> Self:
        """Forgets the memories of other examples."""
        ...


L = TypeVar("L", bound=Look)


@dataclass(frozen=True)
class ConvolutionState(Generic[L]):
    """The last inputs of every convolution, and what attention remembers."""

    position: int
    windows: Windows
    """Of each convolution or block of them, in the order that they run in."""
    looks: tuple[L, ...]
    memory_mask: Tensor | None
    attention: Tensor | None = None
    """``[N, S]``: where the last layer looked, mean over its heads; only where it was asked for."""

    def select(self, rows_N: Tensor) -> Self:
        """The hypotheses in ``rows_N``; those of one example stay together and in order of examples."""
        return replace(
            self,
            windows=tuple(tuple(kept[rows_N] for kept in windows) for windows in self.windows),
            looks=tuple(look.select(rows_N, filled=self.position) for look in self.looks),
            attention=None,
        )

    def keep(self, examples_B: Tensor) -> Self:
        """Forgets the memories of other examples; ``select`` their hypotheses beforehand."""
        mask = None if self.memory_mask is None else self.memory_mask[examples_B]
        return replace(self, looks=tuple(look.keep(examples_B) for look in self.looks), memory_mask=mask)

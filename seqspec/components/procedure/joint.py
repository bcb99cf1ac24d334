"""Joint training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqspec.components.procedure._procedure import Procedure


class Joint(Procedure):
    """One phase on a batch of each task."""

    def combine(
        self,
        gradients: Sequence[Sequence[Tensor | None]],
        generator: torch.Generator,
        losses: Sequence[float] = (),
    ) -> list[Tensor | None]:
        """The sum over tasks; ``gradients[task][parameter]`` is ``None`` where the task does not train it."""
        columns = zip(*gradients, strict=True)
        return [summed([one for one in column if one is not None]) for column in columns]


def summed(held: Sequence[Tensor]) -> Tensor | None:
    """In order; ``None`` of nothing."""
    return sum(held[1:], start=held[0]) if held else None

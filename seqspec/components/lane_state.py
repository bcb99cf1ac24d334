"""What parts of a model carry from one row of a lane to the next, where rows of one text follow one another.

A part that carries has ``carried``, and its config says ``carries``.  Whoever runs the model over rows in
their order (``runtime/training/carried_memories.py``) hands each part what it kept of the row before;
elsewhere every row begins without a past.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


class Carried:
    """The past of the rows of one pass, and what is kept for the rows after them.

    Tensors by name, ``[B, …]`` in the order of the rows, without gradient.
    """

    def __init__(self) -> None:
        self.past: dict[str, Tensor] = {}
        """Empty where rows begin."""
        self.kept: dict[str, Tensor] = {}
        """Of the last pass, where ``keeps``."""
        self.keeps = False
        """Somebody asks for what is kept."""


def carrying(model: nn.Module) -> Iterator[tuple[str, Carried]]:
    """The parts that carry, by name."""
    for name, module in model.named_modules():
        held = getattr(module, "carried", None)
        if isinstance(held, Carried):
            yield name, held

"""What parts of a model measure beside their losses while they are trained, such as the load of experts.

A module that measures has ``gauges``: name to total and count, whose quotient is the value.  It replaces them
at each pass in training; sums over micro-batches and processes are exact where both are integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

OF = "|of"
"""Ends the name of what the value of the name before it is divided by, in place of the targets."""


def gauged(model: nn.Module) -> tuple[tuple[str, Any], ...]:
    """The modules that measure, by name."""
    return tuple((name, module) for name, module in model.named_modules() if hasattr(module, "gauges"))


def read_gauges(modules: tuple[tuple[str, Any], ...]) -> Iterator[tuple[str, Tensor]]:
    """What the last pass has measured, as ``encoder.layers.0.feed_forward:dropped``, each with its count;
    it is forgotten then.
    """
    for name, module in modules:
        for gauge, (total, count) in module.gauges.items():
            yield f"{name}:{gauge}", total
            yield f"{name}:{gauge}{OF}", count
        module.gauges = {}

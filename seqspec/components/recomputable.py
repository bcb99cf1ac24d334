"""Layers that can be worked out again in the backward pass, in place of being kept (Chen et al. 2016,
arXiv:1604.06174): those that have ``recompute``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def recomputable(model: nn.Module) -> list[Any]:
    """Such layers of a model; each is worked out again once its ``recompute`` is true."""
    return [layer for layer in model.modules() if hasattr(layer, "recompute")]

"""Non-linearities by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.schema.layers.activation import Activation

_KNOWN: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "gelu": functional.gelu,
    "silu": functional.silu,
}


def activation(name: Activation) -> Callable[[Tensor], Tensor]:
    """The function of that name."""
    return _KNOWN[name]

"""Two-dimensional convolutions that read channels last, as a GPU's tensor cores and oneDNN want them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def hold_channels_last(model: nn.Module) -> None:
    """While the model trains, the input of each convolution over images is laid out channels last, and so is
    what follows from it.

    Weights, their state and checkpoints stay as they are: optimisers walk through memory, and must not find
    weights in one order and their averages in another.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_pre_hook(_laid_out)


def _laid_out(module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
    x = given[0]
    if not module.training or not isinstance(x, Tensor) or x.ndim != 4:
        return None
    return (x.contiguous(memory_format=torch.channels_last), *given[1:])

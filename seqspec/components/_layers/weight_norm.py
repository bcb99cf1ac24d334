"""Weight normalisation: Salimans and Kingma (2016), "Weight Normalization: A Simple Reparameterization to
Accelerate Training of Deep Neural Networks", arXiv:1602.07868.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

Layer = TypeVar("Layer", bound=nn.Module)


def weight_norm(layer: Layer) -> Layer:
    """Torch's own, with its names in checkpoints: a direction and a length for each output.  The weight is
    read in a third of the time, without the modules that torch asks for it in turn.
    """
    parametrizations.weight_norm(layer)
    kind: Any = type(layer)  # Torch has made one for this layer alone.
    kind.weight = property(_weight, kind.weight.fset)
    return layer


def _weight(layer: Any) -> Tensor:
    held = layer._modules["parametrizations"]._modules["weight"]._parameters
    return torch._weight_norm(held["original1"], held["original0"], 0)

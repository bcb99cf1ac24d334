"""A part's tensors from those of a model folder, and back, by the part's own ``Layout``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

import torch
from torch import Tensor

from seqspec.schema.model_folder import Layout, Weight


def from_folder(layout: Layout, read: Callable[[str], Tensor]) -> dict[str, Tensor]:
    """Tensors by the module's names; ``read`` gives a tensor of the folder by its name there."""
    return {weight.here: taken(weight, read(weight.there)) for weight in layout.weights}


def to_folder(layout: Layout, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The folder's tensors by their names there, the part's prefix before them."""
    found = {}
    for name, group in groupby(layout.weights, key=lambda weight: weight.there):
        weights = list(group)
        parts = [tensors[weight.here] for weight in weights]
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        found[layout.prefix + name] = (whole.t() if weights[0].transposed else whole).contiguous()
    return found


def taken(weight: Weight, tensor: Tensor) -> Tensor:
    """One tensor of the part, out of the one of the folder that holds it."""
    if weight.transposed:
        tensor = tensor.t()
    return tensor if weight.cut is None else tensor.chunk(weight.cut[1])[weight.cut[0]]

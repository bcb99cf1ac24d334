"""A part's tensors from those of a model folder, and back, by the part's own ``Layout``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from seqspec.schema.hugging_face_folder import Layout, Weight


def from_folder(weights: Iterable[Weight], read: Callable[[Weight], Tensor]) -> dict[str, Tensor]:
    """Tensors by the module's names; ``read`` gives the folder's tensor that holds a weight."""
    found: dict[str, list[Tensor]] = {}
    for weight in weights:
        found.setdefault(weight.here, []).append(_taken(weight, read(weight)))
    return {name: parts[0] if len(parts) == 1 else torch.cat(parts) for name, parts in found.items()}


def to_folder(layout: Layout, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The folder's tensors by their names there, the part's prefix before them."""
    groups: dict[str, list[Weight]] = {}
    for weight in layout.weights:
        groups.setdefault(weight.there, []).append(weight)
    found = {}
    for name, weights in groups.items():
        parts = [_part(tensors[weight.here], weight.fills) for weight in weights]
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        found[layout.prefix + name] = (whole.t() if weights[0].transposed else whole).contiguous()
    return found


def _taken(weight: Weight, tensor: Tensor) -> Tensor:
    """The part's tensor, or one part of it, out of the folder's that holds it."""
    if weight.flat:
        tensor = tensor.flatten()
    if weight.norms:
        return torch.linalg.vector_norm(tensor, dim=tuple(range(1, tensor.dim())), keepdim=True)
    return _part(tensor.t() if weight.transposed else tensor, weight.cut)


def _part(tensor: Tensor, place: tuple[int, int] | None) -> Tensor:
    return tensor if place is None else tensor.chunk(place[1])[place[0]]

"""A model's weights as named tensors, and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear import LOW_RANK
from seqspec.components._layers.low_rank import is_by_reference
from seqspec.runtime.devices.sharded_tensors import copy_into


def state_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by name; a tied weight stands once, under its first name."""
    return {name: tensor.detach() for name, tensor in _once(model).items()}


def checkpoint_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The same without what stands still and lies in a model folder that the lock names."""
    return {name: tensor.detach() for name, tensor in _once(model).items() if not is_by_reference(tensor)}


def has_references(model: nn.Module) -> bool:
    """Whether checkpoints of the model leave weights out."""
    return any(is_by_reference(parameter) for parameter in model.parameters())


def _once(model: nn.Module) -> dict[str, Tensor]:
    seen: set[int] = set()
    found: dict[str, Tensor] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            found[name] = tensor
    return found


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The same without what an adaptation put beside linear layers."""
    return {
        name: tensor for name, tensor in state_tensors(model).items() if f".{LOW_RANK}." not in f".{name}"
    }


@torch.no_grad()
def load_tensors(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy saved tensors into the model; every name of a checkpoint must be there, on both sides."""
    present = checkpoint_tensors(model)
    missing, extra = sorted(present.keys() - tensors.keys()), sorted(tensors.keys() - present.keys())
    if missing or extra:
        found = f"lacks {_first(missing)}" if missing else f"holds {_first(extra)}, which the model lacks"
        raise ValueError(f"the checkpoint is not of this model: it {found}")
    for name, tensor in present.items():
        if tensor.shape != tensors[name].shape:
            raise ValueError(
                f"`{name}` is {list(tensors[name].shape)} in the checkpoint, "
                f"{list(tensor.shape)} in the model"
            )
        if tensor.dtype != tensors[name].dtype:
            raise ValueError(
                f"`{name}` is {_kind(tensors[name])} in the checkpoint, {_kind(tensor)} in the model"
            )
        copy_into(tensor, tensors[name])


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _first(names: list[str]) -> str:
    rest = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(f"`{name}`" for name in names[:3]) + rest

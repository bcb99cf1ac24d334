"""An optimiser's state as named tensors, so that it can be kept beside the weights without a pickle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.sharded_tensors import sharded_as


def optimizer_tensors(optimizers: Iterable[torch.optim.Optimizer], model: nn.Module) -> dict[str, Tensor]:
    """``<parameter>/<quantity>``, such as ``encoder.norm.weight/exp_avg``; no two hold the same parameter."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        f"{names[id(parameter)]}/{quantity}": value if isinstance(value, Tensor) else torch.tensor(value)
        for optimizer in optimizers
        for parameter, state in optimizer.state.items()
        for quantity, value in state.items()
        if value is not None
    }


@torch.no_grad()
def load_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Take up this optimiser's part of what ``optimizer_tensors`` gave.

    Rates and other settings come from the plan.
    """
    states: dict[str, dict[str, Tensor]] = {}
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        name, quantity = key.rsplit("/", 1)
        _fits(key, value, parameters[name])
        same = value.shape == parameters[name].shape
        states.setdefault(name, {})[quantity] = (
            sharded_as(parameters[name], value).clone() if same else value.clone()
        )
    numbers = {id(p): i for i, p in enumerate(p for group in optimizer.param_groups for p in group["params"])}
    whole = optimizer.state_dict()
    whole["state"] = {
        numbers[id(parameters[name])]: state
        for name, state in states.items()
        if id(parameters[name]) in numbers
    }
    optimizer.load_state_dict(whole)


def _fits(key: str, value: Tensor, parameter: nn.Parameter) -> None:
    """State is one number, of the parameter's shape, or a factor of it (rows or columns)."""
    scalar = value.numel() == 1
    factor = value.ndim <= parameter.ndim and all(size in (1, *parameter.shape) for size in value.shape)
    if not scalar and not factor:
        raise ValueError(f"`{key}` is {list(value.shape)}, and its parameter {list(parameter.shape)}")

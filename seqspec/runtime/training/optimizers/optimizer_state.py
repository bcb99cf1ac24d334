"""An optimiser's state as named tensors, so that it can be kept beside the weights without a pickle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.sharded_tensors import is_sharded, sharded_as


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
    numbers = {id(p): i for i, p in enumerate(p for group in optimizer.param_groups for p in group["params"])}
    for key, value in tensors.items():
        name, quantity = key.rsplit("/", 1)
        _fits(key, value, parameters[name])
        if id(parameters[name]) not in numbers:
            continue
        like = _like(parameters[name], quantity, value, optimizer)
        states.setdefault(name, {})[quantity] = (value if like is None else sharded_as(like, value)).clone()
    whole = optimizer.state_dict()
    whole["state"] = {numbers[id(parameters[name])]: state for name, state in states.items()}
    optimizer.load_state_dict(whole)


def _like(
    parameter: nn.Parameter, quantity: str, value: Tensor, optimizer: torch.optim.Optimizer
) -> Tensor | None:
    """What is shared out as the state is; ``None`` where each process holds it whole."""
    if value.shape == parameter.shape:
        return parameter
    begun = getattr(optimizer, "begun", None)
    if begun is None or not is_sharded(parameter):
        return None
    found: Tensor = begun(parameter)[quantity]
    return found


def _fits(key: str, value: Tensor, parameter: nn.Parameter) -> None:
    """State is one number, of the parameter's shape, or a factor of it (rows or columns)."""
    scalar = value.numel() == 1
    factor = value.ndim <= parameter.ndim and all(size in (1, *parameter.shape) for size in value.shape)
    if not scalar and not factor:
        raise ValueError(f"`{key}` is {list(value.shape)}, and its parameter {list(parameter.shape)}")

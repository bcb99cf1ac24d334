"""An optimiser's state as named tensors, so that it can be kept beside the weights without a pickle."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def optimizer_tensors(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """``<parameter>/<quantity>``, such as ``encoder.norm.weight/exp_avg``."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        f"{names[id(parameter)]}/{quantity}": value if isinstance(value, Tensor) else torch.tensor(value)
        for parameter, state in optimizer.state.items()
        for quantity, value in state.items()
        if value is not None
    }


@torch.no_grad()
def load_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Take up what ``optimizer_tensors`` gave.  Rates and other settings come from the plan."""
    states: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        name, quantity = key.rsplit("/", 1)
        states.setdefault(name, {})[quantity] = value.clone()
    parameters = dict(model.named_parameters())
    numbers = {id(p): i for i, p in enumerate(p for group in optimizer.param_groups for p in group["params"])}
    whole = optimizer.state_dict()
    whole["state"] = {numbers[id(parameters[name])]: state for name, state in states.items()}
    optimizer.load_state_dict(whole)

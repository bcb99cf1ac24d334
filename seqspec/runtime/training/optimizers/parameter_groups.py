"""Torch's optimiser of one claim: its parameters, its groups, its learning rate at each step."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from seqspec.compile.build.parameter_claims import Claim, GroupRule
from seqspec.runtime.devices.torch_compiler import plain_bookkeeping

FACTOR = "rate_factor"
"""Key of a parameter group: what its learning rate is multiplied with."""


class Mover:
    """Moves the parameters that one optimiser of the spec claims."""

    def __init__(self, claim: Claim, model: nn.Module) -> None:
        plain_bookkeeping()
        named = dict(model.named_parameters())
        self.parameters = [named[name] for name in claim.names]
        self.optimizer: torch.optim.Optimizer = claim.component.build(
            [(name, named[name]) for name in claim.names]
        )
        self._schedule = claim.config.schedule
        for rule in claim.groups:
            _split(self.optimizer, rule, named)

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 1, before the factors of groups."""
        return float(self._schedule.rate(step))

    def set_rate(self, step: int) -> None:
        """Give every group the learning rate of a step."""
        rate = self.rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get(FACTOR, 1.0)


def _split(optimizer: torch.optim.Optimizer, rule: GroupRule, named: dict[str, nn.Parameter]) -> None:
    """Take the rule's parameters out of the groups that hold them, into groups of their own."""
    chosen = {id(named[name]) for name in rule.names}
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        inside = [parameter for parameter in group["params"] if id(parameter) in chosen]
        outside = [parameter for parameter in group["params"] if id(parameter) not in chosen]
        if outside:
            groups.append({**group, "params": outside})
        if inside:
            own = {} if rule.weight_decay is None else {"weight_decay": rule.weight_decay}
            groups.append({**group, **own, "params": inside, FACTOR: rule.rate})
    optimizer.param_groups[:] = groups

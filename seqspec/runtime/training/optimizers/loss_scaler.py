"""Scaling of the loss for float16: Micikevicius et al. (2018), "Mixed Precision Training", arXiv:1710.03740,
section 3.2, with the dynamic factor of section 3.2's last paragraph.

The factor is a power of two wherever it begins as one, so that scaling and unscaling change no bit of a
gradient that float16 can hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.sharded_tensors import local
from seqspec.schema.sections.train import LossScale

MOST = 2.0**60
"""Beyond it the scaled loss itself would leave float32."""


class LossScaler:
    """The factor of one phase.  All of its state is three plain numbers, which a checkpoint holds."""

    def __init__(self, config: LossScale) -> None:
        self.config = config
        self.value = config.initial
        """What the loss is multiplied with."""
        self.finite_steps = 0
        """Since the factor changed."""
        self.overflows = 0
        """Steps dropped since the run began, because a gradient left float16."""

    @torch.no_grad()
    def unscale(self, parameters: Iterable[nn.Parameter]) -> None:
        """Divide the gradients by the factor."""
        gradients: list[Tensor] = [local(p.grad) for p in parameters if p.grad is not None]
        if gradients:
            torch._foreach_mul_(gradients, 1.0 / self.value)

    def follow(self, *, finite: bool) -> bool:
        """Halve the factor after a step whose gradient is not finite, double it after many that are; gives
        whether the factor is still within its bounds.
        """
        if not finite:
            self.overflows += 1
            self.value, self.finite_steps = self.value / 2, 0
            return self.value >= self.config.least
        self.finite_steps += 1
        if self.finite_steps >= self.config.growth_every_steps:
            self.value, self.finite_steps = min(self.value * 2, MOST), 0
        return True

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"value": self.value, "finite_steps": self.finite_steps, "overflows": self.overflows}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up what ``state`` gave."""
        self.value, self.finite_steps = state["value"], state["finite_steps"]
        self.overflows = state["overflows"]

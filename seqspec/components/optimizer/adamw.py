"""AdamW, fused into one kernel; its bits are the same from run to run."""

from __future__ import annotations

from typing import Any

import torch

from seqspec.components.optimizer._groups import NamedParameters, decay_groups
from seqspec.schema.optimizer.adamw import AdamwConfig
from seqspec.schema.types import Type


class Adamw:
    def __init__(self, config: AdamwConfig, source: Type, parts: object) -> None:
        self._weight_decay = config.weight_decay
        self._matrices_only = config.decay == "matrices"
        self._settings: dict[str, Any] = {
            "lr": config.schedule.rate(1),
            "betas": (config.beta1, config.beta2),
            "eps": config.epsilon,
            "amsgrad": config.amsgrad,
            "fused": True,
        }

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        groups = decay_groups(
            named_parameters, weight_decay=self._weight_decay, matrices_only=self._matrices_only
        )
        return torch.optim.AdamW(groups, **self._settings)

"""Adam, fused into one kernel; its bits are the same from run to run."""

from __future__ import annotations

from typing import Any

import torch

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.adam import AdamConfig
from seqspec.schema.types import Type


class Adam:
    def __init__(self, config: AdamConfig, source: Type, parts: object) -> None:
        self._settings: dict[str, Any] = {
            "lr": config.schedule.rate(1),
            "betas": (config.beta1, config.beta2),
            "eps": config.epsilon,
            "amsgrad": config.amsgrad,
            "fused": True,
        }

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        return torch.optim.Adam(trainable(named_parameters), **self._settings)

"""RMSProp."""

from __future__ import annotations

from typing import Any

import torch

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.rmsprop import RmspropConfig
from seqspec.schema.types import Type


class Rmsprop:
    def __init__(self, config: RmspropConfig, source: Type, parts: object) -> None:
        self._settings: dict[str, Any] = {
            "lr": config.schedule.rate(1),
            "alpha": config.decay,
            "eps": config.epsilon,
            "momentum": config.momentum,
            "centered": config.centered,
        }

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(trainable(named_parameters), **self._settings)

"""Gradient descent, fused into one kernel."""

from __future__ import annotations

from typing import Any

import torch

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.sgd import SgdConfig
from seqspec.schema.types import Type


class Sgd:
    def __init__(self, config: SgdConfig, source: Type, parts: object) -> None:
        self._settings: dict[str, Any] = {
            "lr": config.schedule.rate(1),
            "weight_decay": config.weight_decay,
            "fused": True,
        }

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        return torch.optim.SGD(trainable(named_parameters), **self._settings)

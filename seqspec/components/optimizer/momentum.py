"""Gradient descent with momentum, fused into one kernel."""

from __future__ import annotations

import torch

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.momentum import MomentumConfig
from seqspec.schema.types import Type


class Momentum:
    def __init__(self, config: MomentumConfig, source: Type, parts: object) -> None:
        self.config = config

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        config = self.config
        return torch.optim.SGD(
            trainable(named_parameters),
            lr=config.schedule.rate(1),  # type: ignore[attr-defined]
            momentum=config.momentum,
            nesterov=config.nesterov,
            weight_decay=config.weight_decay,
            fused=True,
        )

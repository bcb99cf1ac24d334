"""Gradient descent, fused into one kernel."""

from __future__ import annotations

import torch

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.sgd import SgdConfig
from seqspec.schema.types import Type


class Sgd:
    def __init__(self, config: SgdConfig, source: Type, parts: object) -> None:
        self.config = config

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        rate = self.config.schedule.rate(1)  # type: ignore[attr-defined]
        return torch.optim.SGD(
            trainable(named_parameters), lr=rate, weight_decay=self.config.weight_decay, fused=True
        )

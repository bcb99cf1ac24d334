"""Adagrad."""

from __future__ import annotations

import torch

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.adagrad import AdagradConfig
from seqspec.schema.types import Type


class Adagrad:
    def __init__(self, config: AdagradConfig, source: Type, parts: object) -> None:
        self.config = config

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        config = self.config
        return torch.optim.Adagrad(
            trainable(named_parameters),
            lr=config.schedule.rate(1),  # type: ignore[attr-defined]
            initial_accumulator_value=config.initial_accumulator,
            eps=config.epsilon,
        )

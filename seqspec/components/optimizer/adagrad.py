"""Adagrad."""

from __future__ import annotations

from typing import Any

import torch

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.adagrad import AdagradConfig
from seqspec.schema.types import Type


class Adagrad:
    def __init__(self, config: AdagradConfig, source: Type, parts: object) -> None:
        self._settings: dict[str, Any] = {
            "lr": config.schedule.rate(1),
            "initial_accumulator_value": config.initial_accumulator,
            "eps": config.epsilon,
        }

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        return torch.optim.Adagrad(trainable(named_parameters), **self._settings)

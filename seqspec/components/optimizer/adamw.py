"""AdamW, fused into one kernel; its bits are the same from run to run."""

from __future__ import annotations

import torch

from seqspec.components.optimizer._groups import NamedParameters, decay_groups
from seqspec.schema.optimizer.adamw import AdamwConfig
from seqspec.schema.types import Type


class Adamw:
    def __init__(self, config: AdamwConfig, source: Type, parts: object) -> None:
        self.config = config

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        config = self.config
        return torch.optim.AdamW(
            decay_groups(
                named_parameters, weight_decay=config.weight_decay, matrices_only=config.decay == "matrices"
            ),
            lr=config.schedule.rate(1),  # type: ignore[attr-defined]
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            amsgrad=config.amsgrad,
            fused=True,
        )

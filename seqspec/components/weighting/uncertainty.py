"""Weights of losses by uncertainty (Kendall et al. 2018, arXiv:1705.07115)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seqspec.schema.types import Type
from seqspec.schema.weighting.uncertainty import UncertaintyConfig


class Uncertainty(nn.Module):
    """Holds a log-variance for each loss that is weighed, named in a checkpoint as the journal names it,
    with ``/`` for its dots.
    """

    def __init__(self, config: UncertaintyConfig, losses: Mapping[str, Type]) -> None:
        super().__init__()
        self.rate = config.rate
        self.weighed = config.weighed(losses)
        for name in self.weighed:
            self.register_parameter(_stored(name), nn.Parameter(torch.zeros(())))

    def forward(self, means: Mapping[str, tuple[float, Tensor]]) -> Tensor:
        """One objective of the losses of a micro-step: by name, the weight that the spec states and the mean.

        Σ weight · (exp(-s) · mean + s / 2); what is not weighed is weight · mean.
        """
        parts = [weight * self._weighed(name, mean) for name, (weight, mean) in means.items()]
        return sum(parts[1:], start=parts[0])

    def told(self) -> dict[str, float]:
        """The log-variance of each loss, for the journal."""
        return {f"log_variance.{name}": getattr(self, _stored(name)).item() for name in self.weighed}

    def _weighed(self, name: str, mean: Tensor) -> Tensor:
        if name not in self.weighed:
            return mean
        s = getattr(self, _stored(name))
        return (-s).exp() * mean + 0.5 * s


def _stored(name: str) -> str:
    return "log_variance:" + name.replace(".", "/")

"""Negative log-likelihood of the source, as the model works it out."""

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.negative_log_likelihood import NegativeLogLikelihoodConfig
from seqspec.schema.types import Likelihood


class NegativeLogLikelihood(nn.Module):
    """``criterion(total, count)``: nats of all examples, and how many there are."""

    def __init__(self, config: NegativeLogLikelihoodConfig, source: Likelihood) -> None:
        super().__init__()

    def forward(self, total: Tensor, count: Tensor) -> Loss:
        return Loss(total, count, {"nll": total.detach()})

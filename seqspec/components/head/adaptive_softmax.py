"""Adaptive softmax on torch's own module."""

# D width, V vocabulary, N rows

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from seqspec.schema.head.adaptive_softmax import AdaptiveSoftmaxConfig
from seqspec.schema.types import States, Tokens, Type


class AdaptiveSoftmax(nn.Module):
    """``nll`` touches only the clusters of the labels; ``forward`` spells all log-probabilities out."""

    def __init__(self, config: AdaptiveSoftmaxConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        hidden, target = takes["hidden"], takes["target"]
        assert isinstance(hidden, States)
        assert isinstance(target, Tokens)
        assert isinstance(target.vocab, int)
        self.softmax = nn.AdaptiveLogSoftmaxWithLoss(
            hidden.dim, target.vocab, config.cutoffs, div_value=config.shrink, head_bias=config.bias
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states ``[..., D]`` to log-probabilities ``[..., V]``."""
        return self.softmax.log_prob(hidden.flatten(0, -2)).unflatten(0, hidden.shape[:-1])

    def nll(self, hidden_ND: Tensor, labels_N: Tensor) -> Tensor:
        """``[N]``: the negative log-likelihood of each label."""
        given: Tensor = -self.softmax(hidden_ND, labels_N).output
        return given

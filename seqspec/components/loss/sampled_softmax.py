"""Sampled softmax with log-uniform candidates; exact cross entropy in evaluation."""

# N rows (targets), D width, V vocabulary, S samples

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.linear_cross_entropy import linear_cross_entropy
from seqspec.components.loss._loss import Loss
from seqspec.components.protocols import LinearHead
from seqspec.schema.loss.sampled_softmax import SampledSoftmaxConfig
from seqspec.schema.types import PAD, Logits


class SampledSoftmax(nn.Module):
    """``criterion(hidden, labels, head)``; labels that are 0 count nothing."""

    def __init__(self, config: SampledSoftmaxConfig, source: Logits) -> None:
        super().__init__()
        self.num_samples = config.num_samples

    def forward(self, hidden_BUD: Tensor, labels_BU: Tensor, head: LinearHead) -> Loss:
        """``head`` has ``weight_VD`` and ``bias_V``; the terms of training are those of the sampled loss."""
        hidden_ND, labels_N = hidden_BUD.flatten(0, -2), labels_BU.flatten()
        real_N = labels_N != PAD
        if torch.is_grad_enabled():
            nll_N = self._sampled(hidden_ND, labels_N, head.weight_VD, head.bias_V)
            total = (nll_N * real_N).sum()
            return Loss(total, real_N.sum(), {"sampled_nll": total.detach()})
        sums = linear_cross_entropy(hidden_ND, head.weight_VD, head.bias_V, labels_N, ignore=PAD)
        return Loss(sums.total, real_N.sum(), {"nll": sums.nll, "correct": sums.correct})

    def _sampled(
        self, hidden_ND: Tensor, labels_N: Tensor, weight_VD: Tensor, bias_V: Tensor | None
    ) -> Tensor:
        drawn_S = draw(self.num_samples, len(weight_VD), device=hidden_ND.device)
        ids = torch.cat([labels_N, drawn_S])
        own_ND, others_SD = functional.embedding(ids, weight_VD).split([len(labels_N), self.num_samples])
        own_N, others_NS = (hidden_ND * own_ND).sum(-1), hidden_ND @ others_SD.T
        if bias_V is not None:
            own_N, others_NS = own_N + bias_V[labels_N], others_NS + bias_V[drawn_S]
        # Each draw stands for as many ids as it was rare, so that the sum over draws estimates the normaliser
        # without the label's own share; a drawn id that is the row's own label is left out.
        others_NS = others_NS - log_expected(drawn_S, len(weight_VD), self.num_samples)
        others_NS = others_NS.masked_fill(labels_N[:, None] == drawn_S, -torch.inf)
        return torch.logsumexp(torch.cat([own_N[:, None], others_NS], dim=1), dim=1) - own_N


def draw(count: int, vocab: int, *, device: torch.device) -> Tensor:
    """``count`` ids; id k comes with probability log((k + 2) / (k + 1)) / log(vocab + 1)."""
    uniform = torch.rand(count, device=device, dtype=torch.float64)
    ids = torch.exp(uniform * math.log(vocab + 1)).long() - 1
    return ids.clamp(0, vocab - 1)


def log_expected(ids: Tensor, vocab: int, count: int) -> Tensor:
    """Logarithm of how often each id is expected among ``count`` draws."""
    chance = torch.log1p(1 / (ids.double() + 1)) / math.log(vocab + 1)
    return torch.log(chance * count).float()

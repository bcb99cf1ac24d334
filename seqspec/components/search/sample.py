"""Sampling with temperature, top-k and nucleus; every example has random numbers of its own."""

# B examples, K samples of one, N = B times K, V vocabulary

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.components.search._limits import Limits
from seqspec.components.search._written import forbid
from seqspec.schema.search.sample import SampleConfig
from seqspec.schema.types import EOS, Logits


class Sample:
    """Gives ``num_samples`` hypotheses an example; the score is the log-probability under the model as it is,
    not as it was cut.
    """

    def __init__(self, config: SampleConfig, source: Logits) -> None:
        self.limits = Limits(config.max_tokens, config.max_ratio)
        self.temperature = config.temperature
        self.top_k = config.top_k
        self.top_p = config.top_p
        self.num_samples = config.num_samples
        self.seed = config.seed

    @torch.no_grad()
    def __call__(self, going: Continuation) -> list[list[Hypothesis]]:
        count = len(going.first_B)
        rows_N = torch.arange(count, device=going.first_B.device).repeat_interleave(self.num_samples)
        draws = self._draws(going, count)
        limits = self.limits(going)[rows_N].tolist()
        token_N, state = going.first_B[rows_N], going.state.select(rows_N)
        ids: list[list[int]] = [[] for _ in limits]
        sums, live = [0.0] * len(limits), [True] * len(limits)
        while any(live):
            logits_NV, state = going.step(token_N, state)
            log_p_NV = logits_NV.float().log_softmax(-1)
            uniform_N = torch.tensor([draw.random() for draw in draws], device=logits_NV.device)
            token_N = choose(self._cut(forbid(logits_NV.float())), uniform_N)
            chances = log_p_NV.gather(1, token_N[:, None]).squeeze(1).tolist()
            for row, token in enumerate(token_N.tolist()):
                if live[row]:
                    sums[row] += chances[row]
                    live[row] = token != EOS
                    if live[row]:
                        ids[row].append(token)
                        live[row] = len(ids[row]) < limits[row]
        found = [Hypothesis(tuple(written), total, total) for written, total in zip(ids, sums, strict=True)]
        groups = (found[row * self.num_samples : (row + 1) * self.num_samples] for row in range(count))
        return [sorted(group, key=lambda h: -h.score) for group in groups]

    def _draws(self, going: Continuation, count: int) -> list[np.random.Generator]:
        index = range(count) if going.index_B is None else going.index_B.tolist()
        return [np.random.default_rng([self.seed, row, k]) for row in index for k in range(self.num_samples)]

    def _cut(self, logits_NV: Tensor) -> Tensor:
        logits_NV = logits_NV / self.temperature
        if self.top_k is not None and self.top_k < logits_NV.shape[1]:
            least_N = logits_NV.topk(self.top_k, dim=1).values[:, -1:]
            logits_NV = logits_NV.masked_fill(logits_NV < least_N, -torch.inf)
        if self.top_p is not None:
            sorted_NV, order_NV = logits_NV.sort(dim=1, descending=True)
            before_NV = sorted_NV.softmax(1).cumsum(1).roll(1, dims=1)
            before_NV[:, 0] = 0.0
            cut_NV = sorted_NV.masked_fill(before_NV >= self.top_p, -torch.inf)
            logits_NV = torch.empty_like(logits_NV).scatter_(1, order_NV, cut_NV)
        return logits_NV


def choose(logits_NV: Tensor, uniform_N: Tensor) -> Tensor:
    """``[N]``: the id at which the sum of probabilities passes each uniform number."""
    sums_NV = logits_NV.double().softmax(1).cumsum(1)
    places_N = torch.searchsorted(sums_NV, uniform_N.double()[:, None] * sums_NV[:, -1:], right=True).squeeze(
        1
    )
    return places_N.clamp(max=logits_NV.shape[1] - 1)

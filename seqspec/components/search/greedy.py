"""Greedy search; finished examples leave the batch."""

# B examples, U steps, V vocabulary

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.search._hypothesis import Candidates, Continuation, Hypothesis
from seqspec.components.search._limits import Limits
from seqspec.components.search._written import forbid
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import EOS, Logits


class Greedy:
    """Gives one hypothesis an example; its score is its log-probability."""

    def __init__(self, config: GreedyConfig, source: Logits) -> None:
        self.limits = Limits(config.max_tokens, config.max_ratio)

    @torch.no_grad()
    def __call__(self, going: Continuation) -> list[list[Hypothesis]]:
        count, going = len(going.first_B), going.for_best(1, _alone)
        ids: list[list[int]] = [[] for _ in range(count)]
        sums = [0.0] * count
        live, token_B, state = list(range(count)), going.first_B, going.state
        limits = self.limits(going).tolist()
        while live:
            given, state = going.step(token_B, state)
            sums_UB, tokens_UB, token_B = _best(given)
            for chances, tokens in zip(sums_UB, tokens_UB, strict=True):
                stays = []
                for row, (example, token) in enumerate(zip(live, tokens, strict=True)):
                    sums[example] += chances[row]
                    if token != EOS:
                        ids[example].append(token)
                        if len(ids[example]) < limits[example]:
                            stays.append(row)
                if len(stays) < len(live):
                    break
            if len(stays) < len(live) and stays:
                rows_B = torch.tensor(stays, device=token_B.device)
                token_B, state = token_B[rows_B], state.select(rows_B).keep(rows_B)
            live = [live[row] for row in stays]
        return [[Hypothesis(tuple(written), total, total)] for written, total in zip(ids, sums, strict=True)]


def _best(given: Tensor | Candidates) -> tuple[list[list[float]], list[list[int]], Tensor]:
    """The best id's log-probability and the id of each step that was taken, from logits ``[B, V]`` where they
    are not known already; and the last ids ``[B]``.
    """
    if isinstance(given, Candidates):
        return given.sums_AC.tolist(), given.token_AC.tolist(), given.token_AC[-1]
    logits_BV = given.float()
    normaliser_B = logits_BV.logsumexp(1)
    best_B, token_B = forbid(logits_BV).max(1)
    return [(best_B - normaliser_B).tolist()], [token_B.tolist()], token_B


def _alone(found: Candidates) -> Candidates:
    """The best, with nothing before it: the search adds up."""
    return found._replace(sums_AC=torch.zeros_like(found.sums_AC))

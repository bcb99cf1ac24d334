"""Beam search over a batch: cached keys and values, memories shared by the hypotheses of an example, finished
examples dropped.

Graves (2012), "Sequence Transduction with Recurrent Neural Networks", section 2.5; Wu et al. (2016),
arXiv:1609.08144, section 7.
"""

# A live examples, K hypotheses of one, C candidates of one, E ended hypotheses, N = A times K, U steps that
# were taken at once, S memory time, V vocabulary

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqspec.components._layers.masks import length_mask
from seqspec.components.search._best import best_candidates
from seqspec.components.search._hypothesis import Candidates, Continuation, Hypothesis
from seqspec.components.search._joint import FusedLanguageModel, Joint
from seqspec.components.search._limits import Limits
from seqspec.components.search._penalty import Penalty
from seqspec.components.search._written import forbid, log_softmax_
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.types import EOS, Logits

Finished = list[list[Hypothesis]]
Array = np.ndarray
NEVER = np.float32(-np.inf)

PRE_BEAM_RATIO = 1.5
"""The default of ESPnet's ``espnet.nets.beam_search.BeamSearch``."""


class Beam:
    """Gives up to ``size`` hypotheses an example, best first; at least ``nbest`` where the model allows as
    many.
    """

    def __init__(self, config: BeamConfig, source: Logits) -> None:
        self.size = config.size
        self.nbest = config.nbest
        self.stop = config.stop
        self.num_finished = (
            config.num_finished if config.stop == "after_n_finished" else None
        ) or config.size
        self.penalty = Penalty.of(config)
        self.limits = Limits(config.max_tokens, config.max_ratio)
        self.score_gap = config.score_gap
        self.end_margin = config.end_margin
        self.fusion = config.language_model
        self.joint: Joint | None = None
        if config.ctc_weight:
            ratio = config.pre_beam_ratio or PRE_BEAM_RATIO
            self.joint = Joint(config.ctc_weight, int(ratio * config.size))

    def fused(self, language_model: FusedLanguageModel) -> Beam:
        """The same search with the language model that its config asks for."""
        assert self.fusion is not None
        searching = copy.copy(self)
        searching.joint = replace(
            self.joint or Joint(), language=language_model, language_weight=self.fusion.weight
        )
        return searching

    def for_hypotheses(self, count: int) -> Beam:
        """The same search, which stops only when ``count`` hypotheses are sure."""
        searching = copy.copy(self)
        searching.nbest = max(self.nbest, count)
        return searching

    @torch.no_grad()
    def __call__(self, going: Continuation) -> Finished:
        going = self._with_others(going)
        finished: Finished = [[] for _ in going.first_B]
        live = self._begin(going)
        while live.examples:
            logits_NV, state = going.step(live.last_N, live.state, look=live.covered_AKS is not None)
            live = live.seen(state)
            found = self._candidates(logits_NV, live)
            go = self._follow if len(found.sums_AC) > len(live.examples) else self._advance
            live, rows_AK, stays = go(found, live, finished)
            live = live.move(stays, rows_AK, state)
        return [sorted(found, key=lambda h: -h.score)[: self.size] for found in finished]

    def _with_others(self, going: Continuation) -> Continuation:
        """``going`` as the models together see it."""
        if self.fusion is not None and (self.joint is None or self.joint.language is None):
            raise TypeError("the search asks for a language model, and was given none: see `fused`")
        if self.joint is not None:
            return self.joint(going)
        if self.end_margin is not None:
            return going
        return going.for_best(2 * self.size, self._goes_on if self.score_gap is None else None)

    def _begin(self, going: Continuation) -> _Live:
        limits_B = self.limits(going)
        count, device = len(limits_B), limits_B.device
        limits = limits_B.cpu().numpy()
        longest = np.array([self.penalty.divisor(limit) for limit in limits.tolist()], dtype=np.float32)
        covered = real = None
        if self.penalty.coverage != "none" and going.memory_lengths_B is not None:
            size = int(going.memory_lengths_B.max())
            covered = torch.zeros(count, 1, size, device=device)
            real = length_mask(going.memory_lengths_B, size)
        ids_AKT = going.first_B.view(count, 1, 1).cpu().numpy()
        sums_AK = np.zeros((count, 1), dtype=np.float32)
        live = list(range(count))
        return _Live(live, ids_AKT, sums_AK, limits, longest, going.first_B, going.state, covered, real)

    def _follow(self, found: _Chosen, live: _Live, finished: Finished) -> Advance:
        """As ``_advance``, by the candidates of several steps of one example, a row each."""
        first = self._quiet(found, live, finished)
        live, rows_AK, stays = live.grow_by(found, steps=first, size=self.size)
        for step in range(first, len(found.sums_AC)):
            one = _Chosen(*(part_UC[step : step + 1] for part_UC in found))
            live, rows_AK, stays = self._advance(one, live, finished)
            if not stays:
                break
        return live, rows_AK, stays

    def _quiet(self, found: _Chosen, live: _Live, finished: Finished) -> int:
        """How many of the first steps end no hypothesis and cannot end the search."""
        if self.stop != "after_n_finished" and len(finished[live.examples[0]]) >= self.nbest:
            return 0
        ended_UK = found.token_AC[:, : self.size] == EOS
        loud_U = (ended_UK.any(axis=1) | (found.sums_AC[:, 0] == NEVER)).tolist()
        return min((*loud_U, True).index(True), int(live.limits_A[0]) - live.written - 1)

    def _advance(self, candidates: _Chosen, live: _Live, finished: Finished) -> Advance:
        """The hypotheses after one more id, the rows of their parents, and the examples that go on."""
        ended_AC = candidates.token_AC == EOS
        if ended_AC.any():
            self._end(candidates, ended_AC, live, finished)
        chosen = self._choose(candidates, ended_AC)
        rows_AK = live.rows(chosen.parent_AC)
        grown = live.grow(chosen, rows_AK)
        self._cut(grown, finished)
        return grown, rows_AK, self._going_on(grown, finished)

    def _candidates(self, given: Tensor | Candidates, live: _Live) -> _Chosen:
        """The best ``2 K`` continuations of each example, so that ``K`` of them are no ends, from logits
        ``[N, V]`` where they are not known already.
        """
        sums_AC, parent_AC, token_AC = given if isinstance(given, Candidates) else self._best(given, live)
        found = _Chosen(sums_AC.cpu().numpy(), parent_AC.cpu().numpy(), token_AC.cpu().numpy())
        if self.score_gap is None:
            return found
        low_AC = found.sums_AC < found.sums_AC[:, :1] - np.float32(self.score_gap)
        return found._replace(sums_AC=np.where(low_AC, NEVER, found.sums_AC))

    def _best(self, logits_NV: Tensor, live: _Live) -> Candidates:
        logits_NV = logits_NV.float()
        log_probs_NV = log_softmax_(logits_NV) if self.joint is None else logits_NV
        allowed_NV = forbid(log_probs_NV)
        if self.end_margin is not None:
            low_N = allowed_NV[:, EOS] < allowed_NV.amax(1) - self.end_margin
            allowed_NV[:, EOS] = allowed_NV[:, EOS].masked_fill(low_N, -torch.inf)
        sums_AK = torch.from_numpy(live.sums_AK).to(logits_NV.device)
        return best_candidates(allowed_NV, sums_AK, count=2 * self.size)

    def _end(self, candidates: _Chosen, ended_AC: Array, live: _Live, finished: Finished) -> None:
        """Ends among the best ``K`` candidates are finished hypotheses."""
        sums_AK, parent_AK = candidates.sums_AC[:, : self.size], candidates.parent_AC[:, : self.size]
        ended_AK = ended_AC[:, : self.size] & (sums_AK > NEVER)
        row_E, _ = places = ended_AK.nonzero()
        if len(row_E):
            beam_E = parent_AK[places]
            self._collect(live, row_E, beam_E, sums_AK[places], finished, count=live.written + 1)

    def _cut(self, grown: _Live, finished: Finished) -> None:
        """Hypotheses that have reached their limit are finished as they stand."""
        if min(grown.limits_A.tolist()) <= grown.written:
            full_A = grown.limits_A <= grown.written
            row_E, beam_E = (full_A[:, None] & (grown.sums_AK > NEVER)).nonzero()
            self._collect(grown, row_E, beam_E, grown.sums_AK[row_E, beam_E], finished, count=grown.written)

    def _collect(
        self, live: _Live, row_E: Array, beam_E: Array, sums_E: Array, finished: Finished, *, count: int
    ) -> None:
        scores_E = self.penalty.score(sums_E, count)
        if live.covered_AKS is not None and live.real_AS is not None:
            row, beam = torch.from_numpy(row_E), torch.from_numpy(beam_E)
            covered_E = self.penalty.covered(live.covered_AKS[row, beam], live.real_AS[row])
            scores_E = scores_E + covered_E.cpu().numpy()
        columns = (
            row_E.tolist(),
            live.ids_AKT[row_E, beam_E, 1:].tolist(),
            scores_E.tolist(),
            sums_E.tolist(),
        )
        for row, ids, score, total in zip(*columns, strict=True):
            finished[live.examples[row]].append(Hypothesis(tuple(ids), score, total))

    def _choose(self, candidates: _Chosen, ended_AC: Array) -> _Chosen:
        """The best ``K`` candidates that are no ends: all are sorted already, so ends go behind."""
        sums_AC, parent_AC, token_AC = candidates
        if not np.count_nonzero(ended_AC[:, : self.size]):
            return _Chosen(sums_AC[:, : self.size], parent_AC[:, : self.size], token_AC[:, : self.size])
        place_AK = ended_AC.argsort(axis=1, kind="stable")[:, : self.size]
        row_A1 = np.arange(len(place_AK))[:, None]
        parts = (np.where(ended_AC, NEVER, sums_AC), parent_AC, token_AC)
        return _Chosen(*(part[row_A1, place_AK] for part in parts))

    def _goes_on(self, found: Candidates) -> Candidates:
        """``_choose`` in tensors."""
        ended_AC = found.token_AC == EOS
        order_AC = ended_AC.shape[1] * ended_AC + torch.arange(ended_AC.shape[1])
        rank_AC = (order_AC[:, None] < order_AC[:, :, None]).sum(2)
        is_at_AKC = rank_AC[:, None] == torch.arange(self.size)[:, None]
        parts = (found.sums_AC.masked_fill(ended_AC, -torch.inf), found.parent_AC, found.token_AC)
        return Candidates(*(part[:, None].where(is_at_AKC, 0).sum(2) for part in parts))

    def _going_on(self, grown: _Live, finished: Finished) -> list[int]:
        """Rows of the examples whose search is not over."""
        reach_A = grown.sums_AK[:, 0]  # The best of each.
        if self.stop == "exact":
            # Sums only fall and penalties only grow: nothing scores above the present sum over the largest
            # divisor.
            reach_A = reach_A / grown.longest_A
            if self.penalty.bonus:
                reach_A = reach_A + self.penalty.bonus_ahead(grown.written, grown.limits_A)
        elif self.stop == "best_finished":
            reach_A = self.penalty.score(reach_A, grown.written)
        rows = zip(grown.examples, reach_A.tolist(), grown.limits_A.tolist(), strict=True)
        return [
            row
            for row, (example, reach, limit) in enumerate(rows)
            if limit > grown.written and reach > -float("inf") and not self._enough(finished[example], reach)
        ]

    def _enough(self, found: list[Hypothesis], reach: float) -> bool:
        if self.stop == "after_n_finished":
            return len(found) >= max(self.num_finished, self.nbest)
        if len(found) < self.nbest:
            return False
        return sorted((h.score for h in found), reverse=True)[self.nbest - 1] >= reach


Advance = tuple["_Live", Array, list[int]]
"""Hypotheses, the rows of their parents, and the rows of the examples that go on."""


class _Chosen(NamedTuple):
    """``Candidates`` where the bookkeeping of a search is done, which is cheap on numpy's side."""

    sums_AC: Array
    parent_AC: Array
    token_AC: Array


class _Live(NamedTuple):
    """The hypotheses that go on."""

    examples: list[int]
    """Which example of the batch each row is."""
    ids_AKT: Array
    """The first id and what was written."""
    sums_AK: Array
    limits_A: Array
    longest_A: Array
    """The length penalty's divisor at the limit."""
    last_N: Tensor
    """The last id of each hypothesis, where the model is."""
    state: Any
    covered_AKS: Tensor | None
    """Attention to each source state, summed over the steps."""
    real_AS: Tensor | None

    @property
    def written(self) -> int:
        """Ids of each hypothesis."""
        return self.ids_AKT.shape[2] - 1

    @property
    def width(self) -> int:
        """Hypotheses an example: one at first, then the beam's size."""
        return self.sums_AK.shape[1]

    def rows(self, place_AC: Array) -> Array:
        """Rows, of all hypotheses, of places in the beam of each example."""
        count = len(self.examples)
        return place_AC if count == 1 else place_AC + np.arange(count)[:, None] * self.width

    def seen(self, state: Any) -> _Live:
        """With the attention of one more step."""
        if self.covered_AKS is None:
            return self
        looked_AKS = state.attention.view(*self.sums_AK.shape, -1)[:, :, : self.covered_AKS.shape[2]]
        return self._replace(covered_AKS=self.covered_AKS + looked_AKS)

    def grow(self, chosen: _Chosen, rows_AK: Array) -> _Live:
        """The chosen continuations of the hypotheses in ``rows_AK``; the state and the last ids are still
        those of these.
        """
        ids_NT = self.ids_AKT.reshape(-1, self.written + 1)
        ids_AKT = ids_NT.take(rows_AK, axis=0)
        covered = self.covered_AKS
        if covered is not None:
            parents = torch.from_numpy(chosen.parent_AC).to(covered.device)[:, :, None]
            covered = covered.gather(1, parents.expand(-1, -1, covered.shape[2]))
        ids_AKT = np.concatenate([ids_AKT, chosen.token_AC[:, :, None]], 2)
        return self._replace(ids_AKT=ids_AKT, sums_AK=chosen.sums_AC, covered_AKS=covered)

    def grow_by(self, found: _Chosen, *, steps: int, size: int) -> Advance:
        """The first ``size`` candidates of each of several steps of one example, which goes on."""
        rows_AK = np.arange(self.width)[None]
        if not steps:
            return self, rows_AK, self.examples
        ids_KT = self.ids_AKT[0]
        sums_UK, parent_UK, token_UK = (part_UC[:steps, :size] for part_UC in found)
        for parent_K, token_K in zip(parent_UK, token_UK, strict=True):
            ids_KT = np.concatenate([ids_KT.take(parent_K, axis=0), token_K[:, None]], 1)
        return self._replace(ids_AKT=ids_KT[None], sums_AK=sums_UK[-1:]), parent_UK[-1:], [0]

    def move(self, stays: list[int], rows_AK: Array, state: Any) -> _Live:
        """The examples that stay, with the state of their parents, at ``rows_AK``, brought along."""
        if not stays:
            return self._replace(examples=[])
        if len(stays) == len(self.examples):
            last_N, rows_N = self._sent(self.ids_AKT[:, :, -1], rows_AK)
            return self._replace(last_N=last_N, state=self._brought(state, rows_N))
        last_N, rows_N = self._sent(self.ids_AKT[stays, :, -1], rows_AK[stays])
        rows = torch.tensor(stays, device=last_N.device)
        return _Live(
            [self.examples[row] for row in stays],
            self.ids_AKT[stays],
            self.sums_AK[stays],
            self.limits_A[stays],
            self.longest_A[stays],
            last_N,
            state.select(rows_N).keep(rows),
            None if self.covered_AKS is None else self.covered_AKS[rows],
            None if self.real_AS is None else self.real_AS[rows],
        )

    def _brought(self, state: Any, rows_N: Tensor) -> Any:
        """The state of the hypotheses in ``rows_N``, told how they have scored where it finds candidates."""
        state = state.select(rows_N)
        scored = getattr(state, "scored", None)
        return state if scored is None else scored(torch.from_numpy(self.sums_AK.reshape(-1)))

    def _sent(self, *parts_AK: Array) -> tuple[Tensor, Tensor]:
        """Two arrays of ids or rows as tensors ``[N]`` where the model is, in one transfer if it is far."""
        last_N, rows_N = (torch.from_numpy(part_AK.flatten()) for part_AK in parts_AK)
        if not self.last_N.is_cpu:
            last_N, rows_N = torch.stack([last_N, rows_N]).to(self.last_N.device).unbind()
        return last_N, rows_N

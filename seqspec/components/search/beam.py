"""Beam search over a batch: cached keys and values, memories shared by the hypotheses of an example, finished
examples dropped.

Graves (2012), "Sequence Transduction with Recurrent Neural Networks", section 2.5; Wu et al. (2016),
arXiv:1609.08144, section 7.
"""

# A live examples, K hypotheses of one, C candidates of one, N = A times K, S memory time, V vocabulary

from __future__ import annotations

import copy
from collections.abc import Iterator
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
NEVER = -torch.inf

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
        live = self._begin(going)
        examples = live.examples
        while live.examples:
            given, state = going.step(live.last_N, live.state, look=live.covered_AKS is not None)
            live = self._seen(live, state)
            candidates = self._candidates(given, live)
            advance = self._advance_one if len(live.examples) == 1 else self._advance
            live = live.move(advance(candidates, live), state)
        best = (sorted(one.ended, key=lambda h: -h.score)[: self.size] for one in examples)
        return [[ended.hypothesis(live.steps) for ended in one] for one in best]

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
        limits_B, device = self.limits(going), going.first_B.device
        examples = [_Example(limit, []) for limit in limits_B.tolist()]
        covered = real = None
        if self.penalty.coverage != "none" and going.memory_lengths_B is not None:
            size = int(going.memory_lengths_B.max())
            covered = torch.zeros(len(examples), 1, size, device=device)
            real = length_mask(going.memory_lengths_B, size)
        sums_AK = torch.zeros(len(examples), 1, device=device)
        return _Live(examples, [], sums_AK, going.first_B, going.state, covered, real)

    def _seen(self, live: _Live, state: Any) -> _Live:
        """With the attention of one more step, and what it adds to the scores of those that end here."""
        if live.covered_AKS is None or live.real_AS is None:
            return live
        looked_AKS = state.attention.view(*live.sums_AK.shape, -1)[:, :, : live.covered_AKS.shape[2]]
        covered_AKS = live.covered_AKS + looked_AKS
        gains_AK = self.penalty.covered(covered_AKS, live.real_AS[:, None])
        return live._replace(covered_AKS=covered_AKS, gains=gains_AK.flatten().tolist())

    def _candidates(self, given: Tensor | Candidates, live: _Live) -> Candidates:
        """The best ``2 K`` continuations of each example, so that ``K`` of them are no ends, from logits
        ``[N, V]`` where they are not known already.
        """
        found = given if isinstance(given, Candidates) else self._best(given, live)
        if self.score_gap is None:
            return found
        low_AC = found.sums_AC < found.sums_AC[:, :1] - self.score_gap
        return found._replace(sums_AC=found.sums_AC.masked_fill(low_AC, NEVER))

    def _best(self, logits_NV: Tensor, live: _Live) -> Candidates:
        logits_NV = logits_NV.float()
        log_probs_NV = log_softmax_(logits_NV) if self.joint is None else logits_NV
        allowed_NV = forbid(log_probs_NV)
        if self.end_margin is not None:
            low_N = allowed_NV[:, EOS] < allowed_NV.amax(1) - self.end_margin
            allowed_NV[:, EOS] = allowed_NV[:, EOS].masked_fill(low_N, NEVER)
        return best_candidates(allowed_NV, live.sums_AK, count=2 * self.size)

    def _advance(self, candidates: Candidates, live: _Live) -> _Grown:
        """The hypotheses after one more id, of the examples that go on."""
        sums_AC, parent_AC, token_AC = (part_AC.cpu().numpy() for part_AC in candidates)
        found = _Chosen(sums_AC, live.rows(parent_AC), token_AC)
        ended_AC, written = token_AC == EOS, len(live.steps) + 1
        ended_AK = ended_AC[:, : self.size]
        if ended_AK.any():
            # Ends among the best `K` candidates are finished hypotheses.
            places = ended_AK.nonzero()
            for number, *last in zip(places[0].tolist(), *found.at(places), strict=True):
                self._finish(live, number, *last)
        chosen = found.open(ended_AC, self.size)
        stays = []
        for number, best in enumerate(chosen.sums_AC[:, 0].tolist()):
            if live.examples[number].limit <= written:
                for one in zip(*chosen.at(number), strict=True):
                    self._finish(live, number, *one)
            elif self._goes_further(live.examples[number], best, written):
                stays.append(number)
        if len(stays) < len(live.examples):
            chosen = _Chosen(*(part_AK[stays] for part_AK in chosen))
        live.steps.append((chosen.rows_AC.flatten().tolist(), chosen.token_AC.flatten().tolist()))
        return _Grown(stays, *chosen)

    def _advance_one(self, candidates: Candidates, live: _Live) -> _Grown:
        """``_advance`` of an example that is alone, by the candidates of one step or of several: in plain
        lists, which costs less there.
        """
        (example,), size = live.examples, self.size
        sums_U, rows_U, tokens_U = (part_AC.tolist() for part_AC in candidates)
        for sums, rows, tokens in zip(sums_U, rows_U, tokens_U, strict=True):
            written = len(live.steps) + 1
            if EOS in tokens[:size]:
                for last in zip(sums[:size], rows, tokens, strict=False):
                    if last[2] == EOS:
                        self._finish(live, 0, *last)
                sums, rows, tokens = _open(sums, rows, tokens)
            sums, rows, tokens = sums[:size], rows[:size], tokens[:size]
            if example.limit <= written:
                for last in zip(sums, rows, tokens, strict=True):
                    self._finish(live, 0, *last)
                return NOTHING
            live.steps.append((rows, tokens))
            if not self._goes_further(example, sums[0], written):
                return NOTHING
        return _Grown([0], np.array([sums], dtype=np.float32), np.array([rows]), np.array([tokens]))

    def _finish(self, live: _Live, number: int, total: float, row: int, token: int) -> None:
        """The hypothesis in ``row`` has ended, by an end or, at its limit, by one more id."""
        if total > NEVER:
            count = len(live.steps) + 1
            gain = None if live.gains is None else live.gains[row]
            score = self.penalty.score(total, count, gain)
            live.examples[number].ended.append(_Ended(score, total, count, row, token))

    def _goes_further(self, example: _Example, best: float, written: int) -> bool:
        """Whether something may still come of the best log-probability of an example that changes its
        answers.
        """
        if not best > NEVER:
            return False
        if self.stop == "after_n_finished":
            return len(example.ended) < max(self.num_finished, self.nbest)
        if len(example.ended) < self.nbest:
            return True
        if self.stop == "exact":
            # Sums only fall and penalties only grow: nothing scores above the present sum over the largest
            # divisor.
            reach = self.penalty.most(best, written, example.limit)
        else:
            reach = self.penalty.score(best, written)
        return sorted((h.score for h in example.ended), reverse=True)[self.nbest - 1] < reach

    def _goes_on(self, found: Candidates) -> Candidates:
        """``_Chosen.open`` in tensors."""
        ended_AC = found.token_AC == EOS
        order_AC = ended_AC.shape[1] * ended_AC + torch.arange(ended_AC.shape[1])
        rank_AC = (order_AC[:, None] < order_AC[:, :, None]).sum(2)
        is_at_AKC = rank_AC[:, None] == torch.arange(self.size)[:, None]
        parts = (found.sums_AC.masked_fill(ended_AC, -torch.inf), found.parent_AC, found.token_AC)
        return Candidates(*(part[:, None].where(is_at_AKC, 0).sum(2) for part in parts))


Steps = list[tuple[list[int], list[int]]]
"""Of each step, the hypotheses in a row: which of those before is continued, and by which id."""


class _Ended(NamedTuple):
    """A finished hypothesis."""

    score: float
    log_prob: float
    step: int
    """Its last."""
    row: int
    """Which of all hypotheses it continued."""
    token: int

    def hypothesis(self, steps: Steps) -> Hypothesis:
        """With its ids."""
        ids, row = [self.token] if self.token != EOS else [], self.row
        for rows, tokens in reversed(steps[: self.step - 1]):
            ids.append(tokens[row])
            row = rows[row]
        return Hypothesis(tuple(reversed(ids)), self.score, self.log_prob)


class _Example(NamedTuple):
    """The search of one example."""

    limit: int
    ended: list[_Ended]


class _Chosen(NamedTuple):
    """``Candidates`` where the bookkeeping of a search is done, each with the row of its parent."""

    sums_AC: Array
    rows_AC: Array
    token_AC: Array

    def at(self, places: Any) -> Iterator[list[Any]]:
        """Parts of all."""
        return (part_AC[places].tolist() for part_AC in self)

    def open(self, ended_AC: Array, size: int) -> _Chosen:
        """The best that are no ends: all are sorted already, so ends go behind."""
        if not np.count_nonzero(ended_AC[:, :size]):
            return _Chosen(*(part_AC[:, :size] for part_AC in self))
        place_AK = ended_AC.argsort(axis=1, kind="stable")[:, :size]
        row_A1 = np.arange(len(place_AK))[:, None]
        parts = self._replace(sums_AC=np.where(ended_AC, np.float32(NEVER), self.sums_AC))
        return _Chosen(*(part_AC[row_A1, place_AK] for part_AC in parts))


def _open(sums: list[float], rows: list[int], tokens: list[int]) -> tuple[list[float], list[int], list[int]]:
    """``_Chosen.open`` in plain lists."""
    ends = [token == EOS for token in tokens]
    order = sorted(range(len(ends)), key=ends.__getitem__)
    return (
        [NEVER if ends[place] else sums[place] for place in order],
        [rows[place] for place in order],
        [tokens[place] for place in order],
    )


class _Grown(NamedTuple):
    """The hypotheses after one more step, of the examples that go on."""

    stays: list[int]
    """Which these are."""
    sums_AK: Array
    rows_AK: Array
    """Which of all hypotheses each continues."""
    token_AK: Array


NOTHING = _Grown([], *[np.empty((0, 0))] * 3)


class _Live(NamedTuple):
    """The hypotheses that go on; tensors are where the model is."""

    examples: list[_Example]
    steps: Steps
    sums_AK: Tensor
    last_N: Tensor
    """The last id of each hypothesis."""
    state: Any
    covered_AKS: Tensor | None
    """Attention to each source state, summed over the steps."""
    real_AS: Tensor | None
    gains: list[float] | None = None
    """What coverage adds to the score of each hypothesis."""

    def rows(self, place_AC: Array) -> Array:
        """Rows, of all hypotheses, of places in the beam of each example."""
        return place_AC + np.arange(len(place_AC))[:, None] * self.sums_AK.shape[1]

    def move(self, grown: _Grown, state: Any) -> _Live:
        """The hypotheses that have grown, with the state of their parents brought along."""
        stays = grown.stays
        if not stays:
            return self._replace(examples=[])
        sums_AK = torch.from_numpy(grown.sums_AK)
        rows_N, last_N = (torch.from_numpy(part_AK.flatten()) for part_AK in (grown.rows_AK, grown.token_AK))
        if not self.last_N.is_cpu:
            sums_AK = sums_AK.to(self.last_N.device)
            rows_N, last_N = torch.stack([rows_N, last_N]).to(self.last_N.device).unbind()
        examples, covered, real, state = self.examples, self.covered_AKS, self.real_AS, state.select(rows_N)
        if covered is not None:
            covered = covered.flatten(0, 1)[rows_N].view(*sums_AK.shape, -1)
        if len(stays) < len(examples):
            examples = [examples[number] for number in stays]
            stays_A = torch.tensor(stays, device=last_N.device)
            state = state.keep(stays_A)
            real = None if real is None else real[stays_A]
        scored = getattr(state, "scored", None)
        if scored is not None:  # It finds candidates, and is told how the hypotheses have scored.
            state = scored(sums_AK.flatten())
        return _Live(examples, self.steps, sums_AK, last_N, state, covered, real)

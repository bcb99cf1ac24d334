"""Beam search over prefixes of a CTC model, one example after another.

Most prefixes that one more state could make are worse than those that stay as they are.  So all are bounded
at once, in numpy, and those alone are looked at that can come into the beam.
"""

# B batch, S states, V vocabulary, K prefixes of the beam, C symbols that are considered at a state

from __future__ import annotations

import copy
import heapq
import math
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import Tensor

from seqspec.components.search._hypothesis import Hypothesis
from seqspec.components.search._listening import Heard, NeuralLanguage
from seqspec.schema.search.ctc_prefix_beam import CtcPrefixBeamConfig
from seqspec.schema.types import EOS, PAD, Logits

if TYPE_CHECKING:
    from seqspec.components.search._joint import FusedLanguageModel

NEVER = -math.inf

Prefix = tuple[int, ...]
Array = np.ndarray


class _Sums(NamedTuple):
    """Log-probabilities of a prefix over alignments that end in a blank, over those that end in its last
    symbol, and over all.
    """

    blank: float
    symbol: float
    total: float


class _Symbols(NamedTuple):
    """What is considered at a state."""

    blank: float
    """The blank's log-probability; minus infinity where it is not considered."""
    ids: list[int]
    chances_C: Array
    """Log-probabilities, float64."""
    columns: dict[int, int]
    """Where each id stands."""

    @classmethod
    def of(cls, ids: list[int], chances_C: Array) -> _Symbols:
        """Of ascending ids, which the blank may be one of."""
        blank = NEVER
        if ids and ids[0] == PAD:
            blank, ids, chances_C = float(chances_C[0]), ids[1:], chances_C[1:]
        return cls(blank, ids, chances_C, {token: column for column, token in enumerate(ids)})

    def column(self, prefix: Prefix) -> int | None:
        """Where the prefix's last symbol stands."""
        return self.columns.get(prefix[-1]) if prefix else None


class _Ranked(NamedTuple):
    """A prefix by its score: log-probability, and what is told of it."""

    score: float
    prefix: Prefix
    sums: _Sums


class CtcPrefixBeam:
    """``search(log_probs, lengths)`` gives up to ``size`` hypotheses an example, best first."""

    def __init__(self, config: CtcPrefixBeamConfig, source: Logits) -> None:
        self.on = config.on
        self.size = config.size
        self.max_symbols = config.max_symbols
        self.symbol_gap = math.inf if config.symbol_gap is None else config.symbol_gap
        self.fusion, self.ngram = config.language_model, config.ngram
        self.bonus = config.length_bonus
        self.begin: Heard | None = None
        self.weight = 0.0

    def fused(self, language_model: FusedLanguageModel) -> CtcPrefixBeam:
        """The same search, listening to a trained language model."""
        assert self.fusion is not None
        return self.listening(NeuralLanguage(language_model, end=EOS), weight=self.fusion.weight)

    def listening(self, begin: Heard, *, weight: float) -> CtcPrefixBeam:
        """The same search, listening to what stands before the first symbol as ``begin``."""
        search = copy.copy(self)
        search.begin, search.weight = begin, weight
        return search

    def __call__(self, log_probs_BSV: Tensor, lengths_B: Tensor) -> list[list[Hypothesis]]:
        rows = zip(log_probs_BSV, lengths_B.tolist(), strict=True)
        return [self._one(log_probs_SV[:length]) for log_probs_SV, length in rows]

    def listen(self) -> BeamListener:
        """The same search over states that come one after another."""
        if self.begin is None and (self.fusion is not None or self.ngram is not None):
            raise TypeError("the search asks for a language model, and was given none")
        return BeamListener(self)

    def _one(self, log_probs_SV: Tensor) -> list[Hypothesis]:
        listener = self.listen()
        listener.hear(log_probs_SV)
        return listener.hypotheses(ended=True)

    def considered(self, log_probs_SV: Tensor) -> Iterator[_Symbols]:
        """What is looked at of each state."""
        floor_S1 = log_probs_SV.amax(-1, keepdim=True) - self.symbol_gap
        if self.max_symbols is not None and self.max_symbols < log_probs_SV.shape[-1]:
            best_SK = log_probs_SV.topk(self.max_symbols, dim=-1).values
            floor_S1 = floor_S1.maximum(best_SK[..., -1:])
        keep_SV = log_probs_SV >= floor_S1
        chances = log_probs_SV[keep_SV].double().cpu().numpy()
        kept_SV: Array = keep_SV.cpu().numpy()
        ids, begin = kept_SV.nonzero()[1].tolist(), 0
        for end in kept_SV.sum(1).cumsum().tolist():
            yield _Symbols.of(ids[begin:end], chances[begin:end])
            begin = end

    def advance(self, beam: dict[Prefix, _Sums], symbols: _Symbols, told: _Told) -> dict[Prefix, _Sums]:
        """The ``size`` best of all prefixes that one more state can make."""
        longer_KC = _longer(beam, symbols)
        staying = _staying(beam, symbols, longer_KC)
        if not symbols.ids:
            return staying
        found = [told.ranked(prefix, sums) for prefix, sums in staying.items()]
        best = heapq.nlargest(self.size, (one.score for one in found))
        heapq.heapify(best)
        reach_KC = longer_KC + _column([told.at_most_after(prefix) for prefix in beam])
        worst = best[0] if len(best) == self.size else NEVER
        prefixes = list(beam)
        for row, column in _from_the_top(reach_KC, (longer_KC > NEVER) & (reach_KC >= worst)):
            if len(best) == self.size and reach_KC[row, column] < best[0]:
                break
            total = float(longer_KC[row, column])
            found.append(told.ranked((*prefixes[row], symbols.ids[column]), _Sums(NEVER, total, total)))
            heapq.heappush(best, found[-1].score)
            if len(best) > self.size:
                heapq.heappop(best)
        return self._kept(found, told)

    def _kept(self, found: list[_Ranked], told: _Told) -> dict[Prefix, _Sums]:
        if len(found) > self.size:
            found = sorted(found, key=lambda one: (-one.score, one.prefix))[: self.size]
            told.forget({one.prefix for one in found})
        return {one.prefix: one.sums for one in found}


class BeamListener:
    """The beam after the states that have been heard."""

    def __init__(self, search: CtcPrefixBeam) -> None:
        self.search = search
        self.beam: dict[Prefix, _Sums] = {(): _Sums(0.0, NEVER, 0.0)}
        self.told = _Told(search.begin, search.weight, search.bonus)

    def hear(self, log_probs_SV: Tensor) -> None:
        """Some more states."""
        for symbols in self.search.considered(log_probs_SV):
            self.beam = self.search.advance(self.beam, symbols, self.told)

    def best(self, *, ended: bool) -> Hypothesis:
        """The best hypothesis: of a whole output, or of one that may go on."""
        return self.hypotheses(ended=ended)[0]

    def hypotheses(self, *, ended: bool) -> list[Hypothesis]:
        """All of them, best first."""
        more, bonus = self.told.whole if ended else self.told.so_far, self.search.bonus
        scored = {prefix: sums.total + more(prefix) for prefix, sums in self.beam.items()}
        ranked = sorted(scored.items(), key=lambda item: (-item[1], item[0]))
        return [
            Hypothesis(prefix, score, score - bonus * len(prefix) if bonus else score)
            for prefix, score in ranked
        ]


class _Told:
    """What is added to the scores of one example's prefixes: nothing where nobody is listened to."""

    def __init__(self, begin: Heard | None, weight: float, bonus: float) -> None:
        self.weight, self.bonus = weight, bonus
        self.heard: dict[Prefix, tuple[float, Heard]] = {} if begin is None else {(): (0.0, begin)}

    def ranked(self, prefix: Prefix, sums: _Sums) -> _Ranked:
        """A prefix that may grow."""
        return _Ranked(sums.total + self.so_far(prefix), prefix, sums)

    def at_most_after(self, prefix: Prefix) -> float:
        """What ``so_far`` of the prefix with one more symbol does not exceed."""
        bonus = self.bonus * (len(prefix) + 1)
        if not self.heard:
            return bonus
        total, before = self._heard(prefix)
        return self.weight * (total + before.most_gain) + bonus

    def so_far(self, prefix: Prefix) -> float:
        """Of a prefix that may grow."""
        if not self.heard:
            return self.bonus * len(prefix)
        return self.weight * self._heard(prefix)[0] + self.bonus * len(prefix)

    def whole(self, prefix: Prefix) -> float:
        """Of a prefix that is the whole output."""
        end = self.weight * self._heard(prefix)[1].end_gain() if self.heard else 0.0
        return self.so_far(prefix) + end

    def forget(self, kept: Collection[Prefix]) -> None:
        """Prefixes that are no longer in the beam, whose parents they may still be."""
        if self.heard:
            needed = {*kept, *(prefix[:-1] for prefix in kept)}
            self.heard = {prefix: known for prefix, known in self.heard.items() if prefix in needed}

    def _heard(self, prefix: Prefix) -> tuple[float, Heard]:
        known = self.heard.get(prefix)
        if known is None:
            total, before = self._heard(prefix[:-1])
            known = (total + before.gain(prefix[-1]), before.after(prefix[-1]))
            self.heard[prefix] = known
        return known


def _longer(beam: dict[Prefix, _Sums], symbols: _Symbols) -> Array:
    """``[K, C]``: log-probabilities of the prefixes with each symbol behind them."""
    longer_KC: Array = _column([sums.total for sums in beam.values()]) + symbols.chances_C
    for row, (prefix, sums) in enumerate(beam.items()):
        column = symbols.column(prefix)
        if column is not None:  # The same symbol again lengthens the prefix only after a blank.
            longer_KC[row, column] = sums.blank + float(symbols.chances_C[column])
    return longer_KC


def _column(values_K: list[float]) -> Array:
    """``[K, 1]``."""
    return np.array(values_K, dtype=np.float64).reshape(-1, 1)


def _staying(beam: dict[Prefix, _Sums], symbols: _Symbols, longer_KC: Array) -> dict[Prefix, _Sums]:
    """The prefixes of the beam after one more state: a blank, their last symbol again, or their last symbol
    behind a shorter prefix of the beam, which then is no longer one of ``longer_KC``.
    """
    rows = {prefix: row for row, prefix in enumerate(beam)}
    found = {}
    for prefix, sums in beam.items():
        blank, symbol = sums.total + symbols.blank, NEVER
        column = symbols.column(prefix)
        if column is not None:
            symbol = sums.symbol + float(symbols.chances_C[column])
            shorter = rows.get(prefix[:-1])
            if shorter is not None:
                symbol = _add(symbol, float(longer_KC[shorter, column]))
                longer_KC[shorter, column] = NEVER
        total = _add(blank, symbol)
        if total > NEVER:
            found[prefix] = _Sums(blank, symbol, total)
    return found


def _from_the_top(reach_KC: Array, can_KC: Array) -> list[tuple[int, int]]:
    """Rows and columns of those that can come into the beam, the farthest reaching first."""
    row_N, column_N = can_KC.nonzero()
    order_N = (-reach_KC[row_N, column_N]).argsort()
    return list(zip(row_N[order_N].tolist(), column_N[order_N].tolist(), strict=True))


def _add(a: float, b: float) -> float:
    """The logarithm of the sum of two probabilities given by their logarithms."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + math.log1p(math.exp(b - a))

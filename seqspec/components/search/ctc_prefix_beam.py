"""Beam search over prefixes of a CTC model, one example after another."""

# B batch, S states, V vocabulary

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from seqspec.components.search._hypothesis import Hypothesis
from seqspec.components.search._listening import Heard, NeuralLanguage
from seqspec.schema.search.ctc_prefix_beam import CtcPrefixBeamConfig
from seqspec.schema.types import EOS, PAD, Logits

if TYPE_CHECKING:
    from seqspec.components.search._joint import FusedLanguageModel

NEVER = -math.inf

Prefix = tuple[int, ...]


class _Sums(NamedTuple):
    """Log-probabilities of a prefix over alignments that end in a blank and over those that end in its last
    symbol.
    """

    blank: float
    symbol: float

    @property
    def total(self) -> float:
        return _add(self.blank, self.symbol)


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

    def considered(self, log_probs_SV: Tensor) -> Iterator[dict[int, float]]:
        """Of each state the log-probabilities of the symbols that are looked at."""
        floor_S1 = log_probs_SV.amax(-1, keepdim=True) - self.symbol_gap
        if self.max_symbols is not None and self.max_symbols < log_probs_SV.shape[-1]:
            best_SK = log_probs_SV.topk(self.max_symbols, dim=-1).values
            floor_S1 = floor_S1.maximum(best_SK[..., -1:])
        keep_SV = (log_probs_SV >= floor_S1).cpu()
        for log_probs_V, keep_V in zip(log_probs_SV.cpu(), keep_SV, strict=True):
            symbols = keep_V.nonzero().squeeze(1)
            yield dict(zip(symbols.tolist(), log_probs_V[symbols].tolist(), strict=True))

    def prune(self, beam: dict[Prefix, _Sums], told: _Told) -> dict[Prefix, _Sums]:
        """The ``size`` best prefixes."""
        if len(beam) <= self.size:
            return beam
        ranked = sorted(beam.items(), key=lambda item: (-item[1].total - told.so_far(item[0]), item[0]))
        kept = dict(ranked[: self.size])
        told.forget(kept)
        return kept


class BeamListener:
    """The beam after the states that have been heard."""

    def __init__(self, search: CtcPrefixBeam) -> None:
        self.search = search
        self.beam: dict[Prefix, _Sums] = {(): _Sums(0.0, NEVER)}
        self.told = _Told(search.begin, search.weight, search.bonus)

    def hear(self, log_probs_SV: Tensor) -> None:
        """Some more states."""
        for chances in self.search.considered(log_probs_SV):
            self.beam = self.search.prune(_advance(self.beam, chances), self.told)

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

    def so_far(self, prefix: Prefix) -> float:
        """Of a prefix that may grow."""
        if not self.heard:
            return self.bonus * len(prefix)
        return self.weight * self._heard(prefix)[0] + self.bonus * len(prefix)

    def whole(self, prefix: Prefix) -> float:
        """Of a prefix that is the whole output."""
        end = self.weight * self._heard(prefix)[1].end_gain() if self.heard else 0.0
        return self.so_far(prefix) + end

    def forget(self, kept: Mapping[Prefix, object]) -> None:
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


def _advance(beam: dict[Prefix, _Sums], chances: dict[int, float]) -> dict[Prefix, _Sums]:
    """Every prefix that one more state can make, from the log-probabilities of the symbols that are
    considered.
    """
    blank: dict[Prefix, float] = {}
    symbol: dict[Prefix, float] = {}
    for prefix, sums in beam.items():
        last = prefix[-1] if prefix else None
        for token, chance in chances.items():
            if token == PAD:
                blank[prefix] = _add(blank.get(prefix, NEVER), sums.total + chance)
                continue
            longer = (*prefix, token)
            if token == last:
                # The same symbol again lengthens the prefix only after a blank.
                symbol[prefix] = _add(symbol.get(prefix, NEVER), sums.symbol + chance)
                symbol[longer] = _add(symbol.get(longer, NEVER), sums.blank + chance)
            else:
                symbol[longer] = _add(symbol.get(longer, NEVER), sums.total + chance)
    prefixes = dict.fromkeys((*blank, *symbol))
    found = {prefix: _Sums(blank.get(prefix, NEVER), symbol.get(prefix, NEVER)) for prefix in prefixes}
    return {prefix: sums for prefix, sums in found.items() if sums.total > NEVER}


def _add(a: float, b: float) -> float:
    """The logarithm of the sum of two probabilities given by their logarithms."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + math.log1p(math.exp(b - a))

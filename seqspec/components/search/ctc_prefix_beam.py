"""Beam search over prefixes of a CTC model, one example after another."""

# B batch, S states, V vocabulary

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from seqspec.components.search._hypothesis import Hypothesis
from seqspec.schema.search.ctc_prefix_beam import CtcPrefixBeamConfig
from seqspec.schema.types import PAD, Logits

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

    def __call__(self, log_probs_BSV: Tensor, lengths_B: Tensor) -> list[list[Hypothesis]]:
        floor_BS1 = log_probs_BSV.amax(-1, keepdim=True) - self.symbol_gap
        if self.max_symbols is not None and self.max_symbols < log_probs_BSV.shape[-1]:
            best_BSK = log_probs_BSV.topk(self.max_symbols, dim=-1).values
            floor_BS1 = floor_BS1.maximum(best_BSK[..., -1:])
        keeps = (log_probs_BSV >= floor_BS1).cpu()
        rows = zip(log_probs_BSV.cpu(), keeps, lengths_B.tolist(), strict=True)
        return [self._one(log_probs_SV[:length], keep_SV[:length]) for log_probs_SV, keep_SV, length in rows]

    def _one(self, log_probs_SV: Tensor, keep_SV: Tensor) -> list[Hypothesis]:
        beam: dict[Prefix, _Sums] = {(): _Sums(0.0, NEVER)}
        for log_probs_V, keep_V in zip(log_probs_SV, keep_SV, strict=True):
            symbols = keep_V.nonzero().squeeze(1)
            chances = zip(symbols.tolist(), log_probs_V[symbols].tolist(), strict=True)
            beam = self._prune(_advance(beam, dict(chances)))
        ranked = sorted(beam.items(), key=lambda item: (-item[1].total, item[0]))
        return [Hypothesis(prefix, sums.total, sums.total) for prefix, sums in ranked]

    def _prune(self, beam: dict[Prefix, _Sums]) -> dict[Prefix, _Sums]:
        if len(beam) <= self.size:
            return beam
        ranked = sorted(beam.items(), key=lambda item: (-item[1].total, item[0]))
        return dict(ranked[: self.size])


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

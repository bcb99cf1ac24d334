"""The most probable symbol at each state, repeats and blanks taken out."""

# B batch, S states, V vocabulary

from __future__ import annotations

from itertools import groupby

from torch import Tensor

from seqspec.components._layers.masks import length_mask
from seqspec.components.search._hypothesis import Hypothesis
from seqspec.schema.search.ctc_greedy import CtcGreedyConfig
from seqspec.schema.types import PAD, Logits


class CtcGreedy:
    """``search(log_probs, lengths)`` gives one hypothesis an example."""

    def __init__(self, config: CtcGreedyConfig, source: Logits) -> None:
        self.on = config.on

    def __call__(self, log_probs_BSV: Tensor, lengths_B: Tensor) -> list[list[Hypothesis]]:
        best_BS, symbol_BS = log_probs_BSV.max(-1)
        sums = (best_BS * length_mask(lengths_B, best_BS.shape[1])).sum(1).tolist()
        rows = zip(symbol_BS.tolist(), lengths_B.tolist(), sums, strict=True)
        return [[Hypothesis(_collapse(path[:length]), total, total)] for path, length, total in rows]

    def listen(self) -> GreedyListener:
        """The same search over states that come one after another."""
        return GreedyListener()


class GreedyListener:
    """What has been heard so far."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.score = 0.0
        self._last = PAD

    def hear(self, log_probs_SV: Tensor) -> None:
        """Some more states."""
        best_S, symbol_S = log_probs_SV.max(-1)
        self.score += float(best_S.sum())
        for symbol in symbol_S.tolist():
            if symbol not in (self._last, PAD):
                self.ids.append(symbol)
            self._last = symbol

    def best(self, *, ended: bool) -> Hypothesis:
        """The hypothesis so far."""
        return Hypothesis(tuple(self.ids), self.score, self.score)


def _collapse(path: list[int]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in groupby(path) if symbol != PAD)

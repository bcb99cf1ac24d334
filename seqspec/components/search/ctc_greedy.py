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


def _collapse(path: list[int]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in groupby(path) if symbol != PAD)

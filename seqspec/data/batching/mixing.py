"""Mixtures: how often each example of each corpus is drawn, as a pure function of seed and epoch.

In one epoch of a mixture every corpus is drawn from at least once through, and those with a larger weight
more often: a length cell holds, for each corpus, as many slots as its share asks for.  Which example fills a
slot changes from epoch to epoch, and all examples of a corpus are drawn equally often in the long run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqspec.data.batching.permutation import permute
from seqspec.data.seeds import mixed, seed_of
from seqspec.data.stages.examples import Split


@dataclass(frozen=True)
class Mixture:
    """What a mixture asks of the order."""

    corpus: np.ndarray
    """``[N]``: the number of the corpus that each example is from."""
    factors: np.ndarray
    """``[K]``: draws of each example of a corpus in one epoch; 1 at least."""
    homogeneous: bool
    """Whether a batch is drawn from one corpus."""


@dataclass(frozen=True)
class Draws:
    """Slots of a layout, and the examples that take turns in them."""

    slots: np.ndarray
    """``[S + 1]``: where the slots of each group start among the positions."""
    members: np.ndarray
    """``[S + 1]``: where the members of each group start among the examples."""

    def fill(self, positions: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
        """The place among the examples of whoever fills each position in an epoch."""
        group = np.searchsorted(self.slots, positions, side="right") - 1
        start, first = self.slots[group], self.members[group]
        size = self.members[group + 1] - first
        turn = epoch * (self.slots[group + 1] - start) + positions - start
        keys = mixed(group * 1_000_003 + turn // size, seed=seed_of(seed, "draws"))
        found: np.ndarray = first + permute(turn % size, size, keys)
        return found


def mixture_of(split: Split, source: Any) -> Mixture | None:
    """What the spec asks for; ``None`` where each example counts once and batches may hold anything."""
    if source.component != ("adapter", "mix") or "corpus" not in split.records:
        return None
    weighted = any(part.weight is not None for part in source.parts) or source.temperature is not None
    homogeneous = source.batches == "homogeneous"
    if not weighted and not homogeneous:
        return None
    numbers = {part.name: number for number, part in enumerate(source.parts)}
    names = (split.records.text("corpus", row) for row in split.rows.tolist())
    corpus = np.fromiter((numbers[name] for name in names), np.int64, len(split))
    counts = np.bincount(corpus, minlength=len(numbers))
    return Mixture(corpus, factors(counts, source) if weighted else np.ones(len(numbers)), homogeneous)


def factors(counts: np.ndarray, source: Any) -> np.ndarray:
    """How often each corpus is gone through in one epoch, from weights or a temperature; the least is 1."""
    held = counts.astype(np.float64)
    if source.temperature is not None:
        wanted = held ** (1.0 / source.temperature)
    else:
        wanted = np.array([part.weight for part in source.parts], np.float64)
    rate = np.divide(wanted, held, out=np.full(len(held), np.inf), where=held > 0)
    found: np.ndarray = np.where(held > 0, rate / rate.min(), 1.0)
    return found


def slots_for(sizes: np.ndarray, factor: float) -> np.ndarray:
    """Slots of groups of these sizes: ``factor`` times as many in all, and no group fewer than its size."""
    cumulative = np.floor(np.cumsum(sizes) * factor + 1e-9).astype(np.int64)
    found: np.ndarray = np.maximum(np.diff(cumulative, prepend=0), sizes)
    return found

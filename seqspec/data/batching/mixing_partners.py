"""Examples that are mixed with others: which other, and what the labels become.

The other of an example is one of the same global batch.  All rows of that batch are put in an order by hashes
of the run's seed, the epoch and the row, and each takes the next, the last the first.  So it is a function of
the batch that an optimiser step is made of and of the examples' own seeds: micro-batches, processes and
workers are cut from that batch afterwards and change nothing, and a run that was stopped finds the same
again.  The other has gone through its own augmentation, by its own seed.
"""

# B batch, V classes

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.schema.types import Classes

if TYPE_CHECKING:
    from seqspec.data.stages.examples import Split


class Mixed(NamedTuple):
    """An image made of two."""

    image: Tensor
    """``[C, H, W]``."""
    share: float
    """What is its own, from 0 to 1; the rest is the other's."""


Mixer = Callable[[Tensor, Tensor, torch.Generator], Mixed | None]
"""Makes one image of two and says in what shares."""


def partners(rows: Sequence[int], whole: Sequence[int], *, seed: int, epoch: int) -> list[int]:
    """The row of the global batch that each of ``rows`` is mixed with; itself where it is alone."""
    ordered = sorted(whole, key=lambda row: (seed_of(seed, "partner", epoch, row), row))
    following = dict(zip(ordered, [*ordered[1:], ordered[0]], strict=True))
    return [following[row] for row in rows]


def mixed(
    batch: Batch, others: Batch, split: Split, mixers: Mapping[str, Sequence[Mixer]], *, seed: int, epoch: int
) -> Batch:
    """The batch with its images mixed with those of ``others``; targets become ``[B, V]`` probabilities."""
    ((role, steps),) = mixers.items()
    images, shares = [], []
    pairs = zip(batch.fields[role].values, others.fields[role].values, batch.index.tolist(), strict=True)
    for x_CHW, other_CHW, row in pairs:
        generator = torch.Generator().manual_seed(seed_of(seed, "mix", epoch, row))
        found = next(filter(None, (step(x_CHW, other_CHW, generator) for step in steps)), None)
        images.append(x_CHW if found is None else found.image)
        shares.append(1.0 if found is None else found.share)
    target = _shared_labels(batch.target, others.target, shares, size=_classes(split))
    return batch.with_values(**{role: torch.stack(images), "target": target})


def _shared_labels(own_B: Tensor, other_B: Tensor, shares: Sequence[float], *, size: int) -> Tensor:
    share_B1 = torch.tensor(shares, dtype=torch.float32)[:, None]
    own_BV, other_BV = (torch.nn.functional.one_hot(labels, size).float() for labels in (own_B, other_B))
    return share_B1 * own_BV + (1 - share_B1) * other_BV


def _classes(split: Split) -> int:
    kind = split.roles["target"]
    assert isinstance(kind, Classes)
    return kind.num if isinstance(kind.num, int) else len(split.labels["target"])

"""A contest: our spec, and public implementations that train the same model on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from generative_steps import Family
from torch import Tensor, nn

from seqspec.data.batching.batch import Batch


@dataclass(frozen=True)
class Turn:
    """What one update moves, and by which loss."""

    moved: nn.Module
    loss: Callable[[Batch], Tensor]


Peer = list[Turn]
"""Its updates, which take turns batch by batch; most peers have one."""


def adamw(weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    """In one fused kernel."""
    return torch.optim.AdamW(weights, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)


def momentum(weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Gradient descent with momentum, in one fused kernel."""
    return torch.optim.SGD(weights, lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True)


@dataclass(frozen=True)
class Contest:
    """Our spec, and the peers that train the same model."""

    ours: Family
    peers: Mapping[str, Callable[[Any], Peer]]
    """Each is made beside our model, from which it reads how many symbols or classes there are."""
    optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer] = adamw
    clip: float | None = 1.0
    """Largest norm of the gradient."""


def trained(peer: Peer, contest: Contest, batches: Iterable[Batch]) -> float:
    """CPU seconds of an update of a peer, the first and the last left out."""
    moved = [list(turn.moved.train().parameters()) for turn in peer]
    optimizers = [contest.optimizer(weights) for weights in moved]
    begun: list[float] = []
    for number, batch in enumerate(batches):
        begun.append(time.process_time())
        mine = number % len(peer)
        if len(peer) > 1:
            for place, weights in enumerate(moved):
                for weight in weights:
                    weight.requires_grad_(place == mine)
        peer[mine].loss(batch).backward()
        if contest.clip is not None:
            torch.nn.utils.clip_grad_norm_(moved[mine], contest.clip, foreach=True)
        optimizers[mine].step()
        optimizers[mine].zero_grad(set_to_none=True)
    return (begun[-1] - begun[1]) / (len(begun) - 2)

"""GradNorm (Chen et al. 2018, arXiv:1711.02257, algorithm 1)."""

# T tasks

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqspec.components.procedure._procedure import Procedure
from seqspec.components.procedure.joint import summed
from seqspec.schema.procedure.gradnorm import GradnormConfig
from seqspec.schema.types import Type

SMALLEST = 1e-3
"""Of a weight: below it a task would be lost, and its gradient with it."""


class Gradnorm(Procedure, nn.Module):
    """One phase on a batch of each task, whose gradients are weighted by what the steps before taught."""

    weights_T: Tensor
    first_T: Tensor

    def __init__(self, config: GradnormConfig, source: Type) -> None:
        nn.Module.__init__(self)
        Procedure.__init__(self, config, source)
        self._alpha, self._rate = config.alpha, config.rate
        self._tasks: tuple[str, ...] = ()

    def begin(self, tasks: Sequence[str]) -> None:
        """All tasks weigh 1, and none has a first loss yet; both are saved with the model."""
        self._tasks = tuple(tasks)
        self.register_buffer("weights_T", torch.ones(len(tasks), dtype=torch.float64))
        self.register_buffer("first_T", torch.full((len(tasks),), math.nan, dtype=torch.float64))

    def combine(
        self,
        gradients: Sequence[Sequence[Tensor | None]],
        generator: torch.Generator,
        losses: Sequence[float],
    ) -> list[Tensor | None]:
        """The weighted sum, ``gradients[task][parameter]`` being ``None`` where the task does not train it;
        then the weights move, unless a number is not finite.
        """
        weights = self.weights_T.tolist()
        columns = list(zip(*gradients, strict=True))
        norms = _norms(columns, len(weights))
        found = [
            summed([w * g for w, g in zip(weights, column, strict=True) if g is not None])
            for column in columns
        ]
        if all(map(math.isfinite, (*norms, *losses))):
            self._move(norms, losses)
        return found

    def told(self) -> dict[str, float]:
        """The weight of each task, for the journal."""
        return {
            f"weight.{task}": weight
            for task, weight in zip(self._tasks, self.weights_T.tolist(), strict=True)
        }

    def _move(self, norms: Sequence[float], losses: Sequence[float]) -> None:
        now_T = torch.tensor(losses, dtype=torch.float64, device=self.first_T.device)
        self.first_T.copy_(torch.where(self.first_T.isnan(), now_T, self.first_T))
        ratios = [
            now / first if first else 1.0 for now, first in zip(losses, self.first_T.tolist(), strict=True)
        ]
        moved = balanced(self.weights_T.tolist(), norms, ratios, alpha=self._alpha, rate=self._rate)
        self.weights_T.copy_(torch.tensor(moved, dtype=torch.float64))


def balanced(
    weights: Sequence[float], norms: Sequence[float], ratios: Sequence[float], *, alpha: float, rate: float
) -> list[float]:
    """The weights after one step of gradient descent on Σ |w·norm - mean(w·norm)·r^alpha|, whose targets
    count as constants, scaled to sum to their number.  ``norms`` are of the unweighted gradients.
    """
    count = len(weights)
    weighted = [weight * norm for weight, norm in zip(weights, norms, strict=True)]
    mean, middle = sum(weighted) / count, sum(ratios) / count
    moved = []
    for weight, norm, own, ratio in zip(weights, norms, weighted, ratios, strict=True):
        target = mean * max(ratio / middle, 0.0) ** alpha if middle > 0 else mean
        slope = norm * ((own > target) - (own < target))
        moved.append(max(weight - rate * slope, SMALLEST))
    return [weight * count / sum(moved) for weight in moved]


def _norms(columns: Sequence[Sequence[Tensor | None]], tasks: int) -> list[float]:
    """Of each task's gradient over the parameters that every task trains."""
    shared = [column for column in columns if all(g is not None for g in column)]
    if not shared:
        return [0.0] * tasks
    norms = [[g.double().norm() for g in own if g is not None] for own in zip(*shared, strict=True)]
    return [float(torch.stack(own).norm()) for own in norms]

"""A step on a batch of each task: gradients are held until every task has had its turn, then become one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components.protocols import Joining
from seqspec.data.seeds import seed_of
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.training.gradients import global_norm


@dataclass(frozen=True)
class Held:
    """What one task gave to a step."""

    task: str
    gradients: list[Tensor | None]
    norm: float
    loss: float
    """Its objective, the mean over the micro-batches of all processes."""
    batches: list[Any]
    """Its micro-steps, for a message."""


class JointStep:
    """Collects the gradients of ``parameters`` task by task."""

    def __init__(
        self, joining: Joining, parameters: Sequence[nn.Parameter], *, tasks: int, seed: int
    ) -> None:
        self._joining, self._parameters = joining, list(parameters)
        self._tasks, self._seed = tasks, seed
        self._held: list[Held] = []

    def add(self, task: str, batches: Sequence[Any], objectives: Sequence[Tensor] = ()) -> Held:
        """Take the gradients of the task's batch away from the parameters; ``objectives`` are those of its
        micro-batches in this process.
        """
        gradients = [parameter.grad for parameter in self._parameters]
        known = [gradient for gradient in gradients if gradient is not None]
        norm = float(global_norm(known)) if known else 0.0
        self._held.append(Held(task, gradients, norm, _mean(objectives), list(batches)))
        for parameter in self._parameters:
            parameter.grad = None
        return self._held[-1]

    @property
    def complete(self) -> bool:
        """Every task has had its turn."""
        return len(self._held) == self._tasks

    @torch.no_grad()
    def finish(self, step: int) -> list[Held]:
        """Give the parameters the one gradient of all tasks; gives what it was made of."""
        held, self._held = self._held, []
        generator = torch.Generator().manual_seed(seed_of(self._seed, "joint step", step))
        found = self._joining.combine([one.gradients for one in held], generator, [one.loss for one in held])
        for parameter, gradient in zip(self._parameters, found, strict=True):
            parameter.grad = gradient
        return held


def _mean(objectives: Sequence[Tensor]) -> float:
    """Added exactly, so that it is the same however many processes share the micro-batches."""
    found = [value for part in gather([float(one) for one in objectives]) for value in part]
    return math.fsum(found) / max(len(found), 1)


def culprit(held: Sequence[Held]) -> Held:
    """The first task whose gradient is not finite, else the last."""
    return next((one for one in held if not math.isfinite(one.norm)), held[-1])

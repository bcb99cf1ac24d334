"""A step on batches of every task: gradients are held until every task has had its turns, then become one."""

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
    """The sum over its batches."""
    norm: float
    losses: tuple[float, ...]
    """Its objective for each batch, the mean over the micro-batches of all processes."""
    batches: list[Any]
    """Its micro-steps, for a message."""

    @property
    def loss(self) -> float:
        """The mean over its batches."""
        return math.fsum(self.losses) / max(len(self.losses), 1)


class JointStep:
    """Collects the gradients of ``parameters`` task by task; a step has ``batches`` of all ``tasks``.

    Of several batches of a task the gradients are added, and so that a step is no larger the more batches it
    has, each counts ``tasks`` / ``batches``.
    """

    def __init__(
        self, joining: Joining, parameters: Sequence[nn.Parameter], *, tasks: int, batches: int, seed: int
    ) -> None:
        self._joining, self._parameters = joining, list(parameters)
        self._batches, self._scale, self._seed = batches, tasks / batches, seed
        self._held: dict[str, Held] = {}

    def add(self, task: str, batches: Sequence[Any], objectives: Sequence[Tensor] = ()) -> Held:
        """Take the gradients of a batch of the task away from the parameters; ``objectives`` are those of its
        micro-batches in this process.
        """
        gradients = [parameter.grad for parameter in self._parameters]
        for parameter in self._parameters:
            parameter.grad = None
        before = self._held.get(task)
        if before:
            gradients = _added(before.gradients, gradients)
        known = [gradient for gradient in gradients if gradient is not None]
        norm = float(global_norm(known)) * self._scale if known else 0.0
        losses, told = (before.losses, before.batches) if before else ((), [])
        found = Held(task, gradients, norm, (*losses, _mean(objectives)), [*told, *batches])
        self._held[task] = found
        return found

    @property
    def complete(self) -> bool:
        """Every task has had its turns."""
        return sum(len(one.losses) for one in self._held.values()) == self._batches

    @torch.no_grad()
    def finish(self, step: int) -> list[Held]:
        """Give the parameters the one gradient of all tasks; gives what it was made of."""
        held, self._held = list(self._held.values()), {}
        if self._scale != 1:
            torch._foreach_mul_([g for one in held for g in one.gradients if g is not None], self._scale)
        generator = torch.Generator().manual_seed(seed_of(self._seed, "joint step", step))
        found = self._joining.combine([one.gradients for one in held], generator, [one.loss for one in held])
        for parameter, gradient in zip(self._parameters, found, strict=True):
            parameter.grad = gradient
        return held


@torch.no_grad()
def _added(held: Sequence[Tensor | None], new: Sequence[Tensor | None]) -> list[Tensor | None]:
    """In place of those that are held; a batch may leave out what another of the same task trains."""
    return [
        one if two is None else two if one is None else one.add_(two)
        for one, two in zip(held, new, strict=True)
    ]


def _mean(objectives: Sequence[Tensor]) -> float:
    """Added exactly, so that it is the same however many processes share the micro-batches."""
    found = [value for part in gather([float(one) for one in objectives]) for value in part]
    return math.fsum(found) / max(len(found), 1)


def culprit(held: Sequence[Held]) -> Held:
    """The first task whose gradient is not finite, else the last."""
    return next((one for one in held if not math.isfinite(one.norm)), held[-1])

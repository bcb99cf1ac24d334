"""The cosine between the gradients of every two tasks, in the parameters that both of them train."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqspec.compile.build.program import Program
from seqspec.runtime.devices.deferred_number import DeferredNumber

Gradient = dict[str, Tensor]
"""By the name of the parameter in the whole model."""


class TaskCosines:
    """Holds the last gradient of each task: where tasks take turns, the two of a cosine are as many updates
    apart as the turns were.
    """

    def __init__(self, program: Program) -> None:
        named = {id(p): (name, p) for name, p in program.module.named_parameters() if p.requires_grad}
        each = {task: [named[id(p)] for p in one.module.parameters() if id(p) in named]
                for task, one in program.each.items()}  # fmt: skip
        counts: dict[str, int] = {}
        for held in each.values():
            for name, _ in held:
                counts[name] = counts.get(name, 0) + 1
        self._shared = {
            task: {name: p for name, p in held if counts[name] > 1} for task, held in each.items()
        }
        self._last: dict[str, Gradient] = {}
        self._values: dict[str, list[float | DeferredNumber]] = {}

    @torch.no_grad()
    def measure(self, task: str) -> Gradient:
        """The gradient of the update that is under way, before anything is done to it."""
        return {name: p.grad.clone() for name, p in self._shared[task].items() if p.grad is not None}

    def keep(self, task: str, gradient: Gradient) -> None:
        """Compare a finite gradient with the last one of each other task, and remember it."""
        for other in self._shared:
            last = self._last.get(other, {}) if other != task else {}
            pairs = [(gradient[name], last[name]) for name in gradient if name in last]
            if pairs:
                first, second = sorted((task, other), key=list(self._shared).index)
                self._values.setdefault(f"{first}.{second}", []).append(DeferredNumber(_cosine(pairs)))
        self._last[task] = gradient

    def part(self) -> None:
        """Forget the gradients of a step with a batch of each task: the next are of other weights."""
        self._last = {}

    def means(self) -> dict[str, float]:
        """The mean of each pair since ``forget``, by the names of the journal."""
        read = self._read()
        return {f"cosine.{pair}": math.fsum(values) / len(values) for pair, values in read.items()}

    def forget(self) -> None:
        """A line of the journal has been written."""
        self._values = {}

    def state(self) -> dict[str, list[float]]:
        """For a checkpoint."""
        return self._read()

    def tensors(self) -> dict[str, Tensor]:
        """For a checkpoint: the last gradients, ``TASK.PARAMETER``."""
        return {f"{task}.{name}": held for task, last in self._last.items() for name, held in last.items()}

    def load(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Take up what ``tensors`` and ``state`` gave."""
        self._values = {pair: list(values) for pair, values in state.items()}
        self._last = {}
        for key, held in tensors.items():
            task, _, name = key.partition(".")
            here = self._shared[task][name]
            self._last.setdefault(task, {})[name] = held.to(here.device)

    def _read(self) -> dict[str, list[float]]:
        return {pair: [float(value) for value in values] for pair, values in sorted(self._values.items())}


def _cosine(pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """0 where one of them is 0."""
    dot = torch.stack([(a * b).sum(dtype=torch.float64) for a, b in pairs]).sum()
    one, two = (
        torch.stack([part[i].square().sum(dtype=torch.float64) for part in pairs]).sum() for i in (0, 1)
    )
    return dot / (one * two).sqrt().clamp(min=1e-30)

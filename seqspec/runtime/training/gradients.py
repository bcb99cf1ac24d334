"""What happens to gradients between the backward pass and the update: penalty, clipping, and when a step is
dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.deferred_number import DeferredNumber
from seqspec.runtime.devices.sharded_tensors import any_sharded, by_mesh, local, mesh_of
from seqspec.schema.sections.train import AdaptiveClip, Train


@dataclass(frozen=True)
class Verdict:
    """What became of the gradients of one step."""

    norm: float | DeferredNumber
    """Global norm, before clipping."""
    update: bool
    """Whether the weights follow."""
    finite: bool = True
    """Taken for granted of a norm that is not known yet."""


class Gradients:
    """Applies ``train``'s rules to the gradients of one optimiser step."""

    def __init__(self, train: Train, parameters: Sequence[nn.Parameter]) -> None:
        self.train = train
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.tracker = NormTracker(train.adaptive_clip) if train.adaptive_clip else None

    @property
    def decide(self) -> bool:
        """Whether the norm decides about the update, so that it has to be known at once."""
        train = self.train
        return bool(self.tracker or train.zero_above_norm is not None or train.skip_non_finite)

    def state(self) -> dict[str, Any] | None:
        """For a checkpoint; ``None`` where nothing is remembered."""
        return self.tracker.state() if self.tracker else None

    def load(self, state: dict[str, Any] | None) -> None:
        """Take up what ``state`` gave."""
        if self.tracker and state is not None:
            self.tracker.load(state)

    @torch.no_grad()
    def finish(self, *, wait: bool = True) -> Verdict:
        """Penalise, measure, clip; says whether the update may be made.

        Without ``wait`` nothing is read from the device: the norm comes later, and so does the news that it
        is not finite.
        """
        train = self.train
        whole = [gradient for gradient in [one.grad for one in self.parameters] if gradient is not None]
        gradients = [local(gradient) for gradient in whole] if any_sharded(whole) else whole
        if train.l2:
            held = [parameter for parameter in self.parameters if parameter.grad is not None]
            matrices = [(g, local(p)) for g, p in zip(gradients, held, strict=True) if p.ndim > 1]
            if matrices:
                torch._foreach_add_([g for g, _ in matrices], [p for _, p in matrices], alpha=train.l2)
        if train.clip_value is not None and gradients:
            torch._foreach_clamp_min_(gradients, -train.clip_value)
            torch._foreach_clamp_max_(gradients, train.clip_value)
        if not wait and gradients:
            return self._measured(global_norm(whole), gradients)
        norm = float(global_norm(whole)) if gradients else 0.0
        if not math.isfinite(norm):
            return Verdict(norm, update=False, finite=False)
        outlier = self.tracker is not None and self.tracker.outlier(norm)
        too_large = train.zero_above_norm is not None and norm > train.zero_above_norm
        if train.clip_norm is not None and norm > train.clip_norm:
            torch._foreach_mul_(gradients, train.clip_norm / norm)
        return Verdict(norm, update=not (outlier or too_large))

    def _measured(self, norm: Tensor, gradients: list[Tensor]) -> Verdict:
        if self.train.clip_norm is not None:
            torch._foreach_mul_(gradients, (self.train.clip_norm / norm).clamp(max=1.0))
        return Verdict(DeferredNumber(norm), update=True)


class NormTracker:
    """Running mean and variance of the logarithm of the gradient's norm (Chen et al. 2018, section 4).

    A norm more than ``threshold`` deviations above the mean is an outlier, and enters the averages cut down
    to that bound.  The first 1 / (1 - decay) steps only feed the averages.
    """

    def __init__(self, config: AdaptiveClip) -> None:
        self.config = config
        self.weight = self.mean = self.square = 0.0
        self.steps = 0

    def outlier(self, norm: float) -> bool:
        """Judge a norm, and remember it."""
        decay = self.config.decay
        value = math.log(max(norm, 1e-30))
        settled = self.steps * (1 - decay) >= 1
        found = False
        if settled:
            mean = self.mean / self.weight
            deviation = math.sqrt(max(self.square / self.weight - mean * mean, self.config.floor**2))
            bound = mean + self.config.threshold * deviation
            found, value = value > bound, min(value, bound)
        self.steps += 1
        self.weight = decay * self.weight + (1 - decay)
        self.mean = decay * self.mean + (1 - decay) * value
        self.square = decay * self.square + (1 - decay) * value * value
        return found

    def state(self) -> dict[str, Any]:
        return {"weight": self.weight, "mean": self.mean, "square": self.square, "steps": self.steps}

    def load(self, state: dict[str, Any]) -> None:
        self.weight, self.mean, self.square = state["weight"], state["mean"], state["square"]
        self.steps = state["steps"]


def global_norm(gradients: list[Tensor]) -> Tensor:
    """The norm of all together.  Where processes hold parts of some, all of them must ask."""
    if any_sharded(gradients):
        return _norm_over_processes(gradients)
    norms = torch._foreach_norm(gradients)
    if len({norm.dtype for norm in norms}) > 1:
        norms = tuple(norm.float() for norm in norms)
    return torch.linalg.vector_norm(torch.stack(norms).float())


def _norm_over_processes(gradients: list[Tensor]) -> Tensor:
    """Parts are added over the processes that have them; what every process holds whole counts once."""
    total = torch.zeros((), dtype=torch.float64, device=gradients[0].device)
    for parts in by_mesh(gradients):
        squares = _sum_of_squares([local(part) for part in parts])
        mesh = mesh_of(parts[0])
        for axis in range(mesh.ndim if mesh else 0):
            torch.distributed.all_reduce(squares, group=mesh.get_group(axis))
        total += squares
    return total.sqrt().float()


def _sum_of_squares(tensors: list[Tensor]) -> Tensor:
    """In float64, so that the order of the sum does not show in float32."""
    return torch.stack([norm.double() for norm in torch._foreach_norm(tensors)]).square().sum()

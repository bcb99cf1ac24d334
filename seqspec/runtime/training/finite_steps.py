"""Updates whose loss or gradient is not finite: the scale of the loss explains them, they are skipped, or the
run stops.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.deferred_number import DeferredNumber
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.training.gradients import Verdict
from seqspec.runtime.training.optimizers.loss_scaler import LossScaler
from seqspec.runtime.training.stop_reasons import NotFinite, ScaleCollapsed


class Update(NamedTuple):
    """One update, as messages name it."""

    step: int
    batches: list[tuple[int, Tensor]]
    phase: str | None
    """``None`` where there is one."""
    task: str


class FiniteSteps:
    """``allowed``: updates that may be skipped before the run stops."""

    def __init__(self, model: nn.Module, *, allowed: int) -> None:
        self.skipped = 0
        """Updates that were dropped because a number was not finite."""
        self._model, self._allowed = model, allowed
        self._buffers_before: list[Tensor] = []
        self._losses_finite: list[Tensor] = []
        """Of the micro-batches of the update that is under way, where losses are scaled."""
        self._unsettled: tuple[Update, DeferredNumber] | None = None
        """The last update, whose norm has not been read."""

    def begin(self) -> None:
        """Before the first forward pass of an update that may be skipped."""
        if self._allowed:
            self._buffers_before = [buffer.clone() for buffer in self._model.buffers()]

    def checked(self, mean: Tensor, *, scaler: LossScaler | None) -> Tensor:
        """The loss to go backward from: infinity can have a gradient of 0, and must not pass as good."""
        if mean.device.type == "cpu" and mean.dtype == torch.float32 and not scaler:
            return mean if math.isfinite(mean.item()) else mean * math.nan
        finite = torch.isfinite(mean.detach())
        if scaler:
            self._losses_finite.append(finite)
            mean = mean.float() * scaler.value
        return mean * torch.where(finite, 1.0, math.nan)

    def settle(self, *, then: tuple[Update, float | DeferredNumber] | None = None) -> None:
        """Make sure that the last update was finite; raises ``NotFinite`` if it was not.  ``then``: the next
        one, whose norm may still be worked out.
        """
        last, self._unsettled = self._unsettled, None
        if last and not math.isfinite(float(last[1])):
            self.skipped += 1
            raise NotFinite(last[0].step, last[0].batches, phase=last[0].phase, task=last[0].task)
        if then and isinstance(then[1], DeferredNumber):
            self._unsettled = then[0], then[1]

    def drops(self, update: Update, verdict: Verdict, *, scaler: LossScaler | None) -> bool:
        """Whether an update is skipped for a number that is not finite, which the scale of the loss does not
        explain.  Raises ``NotFinite`` where that is once too often, ``ScaleCollapsed``.
        """
        overflowed = scaler is not None and not verdict.finite and self._overflowed()
        dropped = not verdict.finite and not overflowed
        if dropped:
            self._skip(update, lowered=scaler is not None)
        elif scaler and not scaler.follow(finite=verdict.finite):
            raise ScaleCollapsed(
                update.step, update.batches, scale=scaler.value, least=scaler.config.least,
                phase=update.phase, task=update.task,
            )  # fmt: skip
        self._losses_finite = []
        return dropped

    def _overflowed(self) -> bool:
        """Whether the gradient left float16 while every loss was finite: a smaller scale is the remedy.

        All processes ask, since the gradient that is not finite is the sum of theirs.
        """
        return all(gather(all(bool(finite) for finite in self._losses_finite)))

    def _skip(self, update: Update, *, lowered: bool) -> None:
        self.skipped += 1
        if self.skipped > self._allowed:
            raise NotFinite(
                update.step, update.batches, phase=update.phase, task=update.task, lowered=lowered
            )
        # Running means have seen the bad numbers too.
        with torch.no_grad():
            for buffer, before in zip(self._model.buffers(), self._buffers_before, strict=True):
                buffer.copy_(before)

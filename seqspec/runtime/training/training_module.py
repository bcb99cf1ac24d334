"""The one LightningModule: a program's loss, one optimiser step at a time, exactly repeatable.

All randomness of a micro-step comes from (seed, micro-step), so nothing but weights, optimiser state and
the step number has to be saved, and one process that accumulates two slices draws what two processes with a
slice each draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import lightning
import torch
from torch import Tensor

from seqspec.compile.build.program import Program
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.runtime.checkpoints.model_tensors import load_tensors, state_tensors
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.training.deferred_number import Late
from seqspec.runtime.training.gradients import Gradients, Verdict
from seqspec.runtime.training.optimizer_state import load_optimizer, optimizer_tensors
from seqspec.runtime.training.weights import Average, Noise
from seqspec.schema.diagnostic import Exit, RunError


class Training(lightning.LightningModule):
    """Trains ``program.model``.  ``slices``: micro-steps of one optimiser step, over all processes."""

    def __init__(self, program: Program, *, slices: int, compiled: Callable[..., Any] | None = None) -> None:
        super().__init__()
        self.program = program
        self.model = program.model
        self.criterion = program.criterion
        self.train_config = program.plan.experiment.train
        self.seed = program.plan.experiment.seed
        self.schedule = program.plan.experiment.optimizer.schedule  # type: ignore[attr-defined]
        self.slices = slices
        self.step = 0
        """Optimiser steps done."""
        self.skipped = 0
        """Steps that were dropped because a number was not finite."""
        self.window = Window()
        self.last_batches: list[tuple[int, Tensor]] = []
        self._unsettled: Unsettled | None = None
        self._loss: Callable[..., Any] = compiled or self.model.loss  # type: ignore[assignment]
        noise = self.train_config.weight_noise
        self.noise = Noise(self.model, noise.std) if noise else None
        self._buffers_before: list[Tensor] = []
        self.gradients = Gradients(self.train_config, list(self.model.parameters()))
        ema = self.train_config.ema
        self.average = Average(self.model, ema) if ema else None
        self.torch_optimizer: torch.optim.Optimizer = program.optimizer.build(self.model.named_parameters())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.torch_optimizer

    def on_fit_start(self) -> None:
        if self.average:
            self.average.to(self.device)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        torch.manual_seed(seed_of(self.seed, "micro-step", batch.step))
        if self.train_config.skip_non_finite and batch_idx % self.trainer.accumulate_grad_batches == 0:
            self._buffers_before = [buffer.clone() for buffer in self.model.buffers()]
        noise = self.train_config.weight_noise
        if self.noise and noise and self.step >= noise.from_step:
            self.noise.add()
        loss = self._loss(batch, self.criterion)
        self.last_batches = [*self.last_batches, (batch.step, batch.index)][-self.slices :]
        if math.isfinite(batch.share):
            self.window.add(loss)
        mean: Tensor = loss.total / batch.share
        # A loss of infinity can have a gradient of 0; it must not pass for a good step.
        return mean * torch.where(torch.isfinite(mean.detach()), 1.0, math.nan)

    def on_after_backward(self) -> None:
        if self.noise:
            self.noise.remove()

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None
    ) -> None:
        optimizer_closure()
        for group in self.torch_optimizer.param_groups:
            group["lr"] = self.rate(self.step + 1)
        verdict = self.gradients.finish(wait=self.waits)
        self.settle()
        if isinstance(verdict.norm, Late):
            self._unsettled = Unsettled(self.step + 1, self.last_batches, verdict.norm)
        if verdict.update:
            self.torch_optimizer.step()
        elif not verdict.finite:
            self._not_finite()
        self.torch_optimizer.zero_grad()  # Gives their memory to the next forward pass.
        self.step += 1
        self.window.close(verdict)
        if self.average and verdict.update:
            self.average.update()

    @property
    def waits(self) -> bool:
        """Whether each step's norm is read before its update.

        Where nothing but stopping depends on it and a GPU would have to be waited for, it is read a step
        later, and always before anything is written down.
        """
        return self.gradients.decide or self.device.type != "cuda"

    def settle(self) -> None:
        """Make sure that the last step was finite; raises ``NotFinite`` if it was not."""
        last, self._unsettled = self._unsettled, None
        if last and not math.isfinite(float(last.norm)):
            self.skipped += 1
            raise NotFinite(last.step, last.batches)

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 1."""
        return float(self.schedule.rate(step))

    def _not_finite(self) -> None:
        self.skipped += 1
        if self.skipped > self.train_config.skip_non_finite:
            raise NotFinite(self.step + 1, self.last_batches)
        # Running means have seen the bad numbers too.
        with torch.no_grad():
            for buffer, before in zip(self.model.buffers(), self._buffers_before, strict=True):
                buffer.copy_(before)

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """Everything of a checkpoint that is not a plain number."""
        found: dict[str, Mapping[str, Tensor]] = {
            "weights": state_tensors(self.model),
            "optimizer": optimizer_tensors(self.torch_optimizer, self.model),
        }
        if self.average:
            found["average"] = self.average.tensors()
        return found

    def numbers(self) -> dict[str, Any]:
        """The plain numbers of a checkpoint."""
        tracker = self.gradients.tracker
        return {
            "step": self.step,
            "skipped": self.skipped,
            "slices": self.slices,
            "window": self.window.state(),
            "norms": tracker.state() if tracker else None,
        }

    def restore(
        self, tensors: Mapping[str, Mapping[str, Tensor]], numbers: Mapping[str, Any], *, first: bool = True
    ) -> None:
        """Go back to where a checkpoint was written; ``first``: this is the first of the processes."""
        load_tensors(self.model, dict(tensors["weights"]))
        load_optimizer(self.torch_optimizer, self.model, tensors["optimizer"])
        if self.average:
            self.average.load(dict(tensors["average"]))
        self.step, self.skipped = numbers["step"], numbers["skipped"]
        self.window.load(numbers["window"], first=first)
        if self.gradients.tracker:
            self.gradients.tracker.load(numbers["norms"])


class NotFinite(RunError):
    """A loss or a gradient is not a finite number."""

    def __init__(self, step: int, batches: list[tuple[int, Tensor]]) -> None:
        self.step = step
        self.rows = [(micro, index.tolist()) for micro, index in batches]
        super().__init__(f"the loss or the gradient of step {step} is not finite", exit=Exit.NON_FINITE)


class Unsettled(NamedTuple):
    """A step whose norm has not been read."""

    step: int
    batches: list[tuple[int, Tensor]]
    norm: Late


class Window:
    """What every slice gave since the last line of the journal.

    Values stay on the device, one by one, until they are read; then they are added exactly, so that the
    sums are the same bits however many processes the slices were shared by.
    """

    def __init__(self) -> None:
        self._values: list[dict[str, Tensor | float]] = []
        self._pending: list[dict[str, Tensor | float]] = []
        self._norm: float | Late = 0.0
        self.steps = self.dropped = 0

    def add(self, loss: Any) -> None:
        """One micro-step of the optimiser step that is under way."""
        values = {"loss": loss.total, "count": loss.count, **loss.terms}
        self._pending.append({k: v.detach() if isinstance(v, Tensor) else v for k, v in values.items()})

    def close(self, verdict: Verdict) -> None:
        """The optimiser step is over; one with a number that is not finite enters no sum."""
        if verdict.finite:
            self._values += self._pending
            self._norm = verdict.norm
        self._pending = []
        self.steps += 1
        self.dropped += not verdict.update

    @property
    def norm(self) -> float:
        """The gradient's norm of the last step that was finite."""
        return float(self._norm)

    def values(self) -> list[dict[str, float]]:
        """What every slice gave, in all processes; all of them must ask."""
        read = _read([value for one in self._values for value in one.values()])
        mine = [dict(zip(one, islice(read, len(one)), strict=True)) for one in self._values]
        return [one for part in gather(mine) for one in part]

    def means(self) -> dict[str, float]:
        """Every sum over the number of targets, the loss first; all processes must ask."""
        held = self.values()
        # By name, since what comes out of a checkpoint is no longer in the order of the criterion.
        names = sorted(held[0] if held else (), key=lambda name: (name != "loss", name))
        sums = {name: math.fsum(one[name] for one in held) for name in names}
        count = sums.pop("count", 0.0) or 1.0
        return {name: value / count for name, value in sums.items()}

    def state(self) -> dict[str, Any]:
        """For a checkpoint; all processes must ask."""
        held = sorted(self.values(), key=lambda one: sorted(one.items()))
        return {"values": held, "norm": self.norm, "steps": self.steps, "dropped": self.dropped}

    def load(self, state: Mapping[str, Any], *, first: bool) -> None:
        """The ``first`` process takes the values of all."""
        self._values = list(state["values"]) if first else []
        self._norm, self.steps, self.dropped = state["norm"], state["steps"], state["dropped"]


def _read(values: Sequence[Tensor | float]) -> Iterator[float]:
    """Numbers in order; those on a device come over in one piece."""
    away = [value.double() for value in values if isinstance(value, Tensor) and value.device.type != "cpu"]
    over = iter(torch.stack(away).tolist() if away else ())
    for value in values:
        yield next(over) if isinstance(value, Tensor) and value.device.type != "cpu" else float(value)

"""The one LightningModule: a program's loss, one optimiser step at a time, exactly repeatable.

A step is a cycle of phases, each of which moves its own parameters on a batch of its own; supervised
training has one phase.  All randomness of a micro-step comes from (seed, phase, micro-step), so nothing but
weights, optimiser state and the step number has to be saved, and one process that accumulates two
micro-batches draws what two processes with a micro-batch each draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seqspec.compile.build.program import Program
from seqspec.components.gauges import gauged, read_gauges
from seqspec.components.recomputable import recomputable
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.runtime.checkpoints.model_tensors import checkpoint_tensors, load_tensors
from seqspec.runtime.devices.launch import Place
from seqspec.runtime.devices.random_numbers import set_seed
from seqspec.runtime.devices.torch_compiler import clear_gradients, update
from seqspec.runtime.training.carried_memories import CarriedMemories
from seqspec.runtime.training.channels_last import hold_channels_last
from seqspec.runtime.training.finite_steps import FiniteSteps, Update
from seqspec.runtime.training.gradients import Verdict
from seqspec.runtime.training.joint_step import JointStep, culprit
from seqspec.runtime.training.journal_window import Windows
from seqspec.runtime.training.lightning_import import LeanModule
from seqspec.runtime.training.losses.counted_targets import CountedTargets
from seqspec.runtime.training.losses.following_teachers import FollowingTeachers
from seqspec.runtime.training.losses.objective import Objective
from seqspec.runtime.training.optimizers.frozen import Frozen
from seqspec.runtime.training.optimizers.optimizer_state import load_optimizer, optimizer_tensors
from seqspec.runtime.training.phase_cycle import Cycle, Turn
from seqspec.runtime.training.strategies.replicas import Replicas
from seqspec.runtime.training.task_cosines import TaskCosines
from seqspec.runtime.training.weights import Average, Noise

if TYPE_CHECKING:
    from seqspec.runtime.training.strategies.shardable import SharedOut


class Training(LeanModule):
    """Trains ``program.module``.  ``micro_batches``: micro-steps of one update, over all processes.

    Of several tasks each update serves one, and what is measured is kept a task.  ``wrap`` stands around the
    losses, such as ``torch.compile``.  ``precision`` goes before the plan's.
    """

    def __init__(
        self,
        program: Program,
        *,
        micro_batches: int,
        wrap: Callable[..., Any] | None = None,
        place: Place = Place(),  # noqa: B008
        sharded: SharedOut | None = None,
        precision: str | None = None,
    ) -> None:
        super().__init__()
        self.program = program
        self.arithmetic = precision or program.plan.experiment.train.precision
        """The precision of the forward and backward pass."""
        self.sharded = sharded
        """The model, where processes share it out."""
        self.model = program.module
        self.train_config = program.plan.experiment.train
        if self.train_config.gradient_checkpointing:
            for layer in recomputable(self.model):
                layer.recompute = True
        if self.train_config.channels_last:
            hold_channels_last(self.model)
        self.seed = program.plan.experiment.seed
        self.micro_batches = micro_batches
        self.step = 0
        """Training steps done: whole cycles."""
        self.finite = FiniteSteps(self.model, allowed=self.train_config.skip_non_finite)
        self.targets = CountedTargets(program)
        self.apart = program.apart
        self.cycle = Cycle(
            program, sharers=place.world if self.apart else 1, scaled=self.arithmetic == "float16"
        )
        if sharded:
            for mover in self.cycle.movers.values():
                sharded.suit(mover.optimizer)
        self.window = Windows(tuple(turn.phase.name for turn in self.cycle.phases), tuple(program.each))
        self.cosines = TaskCosines(program) if self.train_config.gradient_cosines else None
        self.joint = (
            JointStep(
                program.joining,
                self.cycle.turn.parameters,
                tasks=len(program.each),
                batches=len(self.cycle.turns),
                seed=self.seed,
            )
            if program.joining
            else None
        )
        self._objectives: list[Tensor] = []
        """Of the micro-batches of the task whose turn it is, where a step joins several."""
        self._task = ""
        """Whose turn the update is that is under way."""
        self._moved: list[Turn] = []
        """Turns of the step that is under way whose update was made."""
        self.last_batches: list[tuple[int, Tensor]] = []
        self.objective = Objective(
            program, micro_batches=micro_batches, seeded=self.draw_anew, wrap=wrap,
            scale=self.loss_scale if self.arithmetic == "float16" else None,
        )  # fmt: skip
        self.frozen = Frozen(program)
        noise = self.train_config.weight_noise
        self.noise = Noise(self.model, noise.std) if noise else None
        ema = self.train_config.ema
        self.average = Average(self.model, ema) if ema else None
        optimizers = [mover.optimizer for mover in self.cycle.movers.values()]
        last = self.train_config.max_steps
        self.replicas = Replicas(self.apart, self.model, optimizers, place, last=last) if self.apart else None
        self._counts = True
        """The update is one that the journal tells the norm of: the first replica's."""
        self.teachers = FollowingTeachers(program)
        self.memories = CarriedMemories({task: one.module for task, one in program.each.items()})
        self._gauged = gauged(self.model)
        self.finishing: list[Any] = [m for m in self.model.modules() if hasattr(m, "finish_step")]
        """Parts that do something of their own after each step."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        # Lightning drives one; ``optimizer_step`` takes that of the phase whose turn it is.
        return next(iter(self.cycle.movers.values())).optimizer

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """``optimizer_step`` has done it after the update before."""

    def on_fit_start(self) -> None:
        if self.average:
            self.average.to(self.device)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        phase = self.cycle.turn.phase
        self._task = batch.task
        self.draw_anew(batch)
        if batch_idx % self.trainer.accumulate_grad_batches == 0:
            self.begin_update()
        self.frozen.hold(self.step + 1)
        self.cycle.hold_the_rest()
        noise = self.train_config.weight_noise
        if self.noise and noise and self.step >= noise.from_step:
            self.noise.add()
        objective = partial(self.objective, phase, batch, step=self.step + 1)
        with self.memories.around(batch):
            loss = self.sharded.run(objective) if self.sharded else objective()
        self.last_batches = [*self.last_batches, (batch.step, batch.index)][-self.micro_batches :]
        if loss is None:
            return torch.zeros((), device=self.device, requires_grad=True)
        counted = self.sharded is None or self.sharded.counts
        if counted and (self.objective.joins(batch.task) or math.isfinite(batch.loss_normalizer)):
            self.window[phase.name, batch.task].add(loss, gauges=dict(read_gauges(self._gauged)))
        mean = loss.objective
        if self.joint:
            self._objectives.append(mean.detach())
        return self.finite.checked(mean, scaler=self.cycle.turn.scaler)

    def begin_update(self) -> None:
        """Before the first micro-batch of an update."""
        if self.replicas:
            self._counts = self.replicas.enter(self.cycle.place) == 0
        if not (self.joint and self.cycle.place):
            self.finite.begin()

    def taken_values(self, batch: Batch) -> list[dict[str, float]]:
        """What a micro-batch gave to the journal, which is to be given back by ``take_results``."""
        return self.window[self.cycle.turn.phase.name, batch.task].take()

    def take_results(self, batches: Sequence[Batch], values: Sequence[Sequence[Mapping[str, float]]]) -> None:
        """The micro-batches of an update are done, here or elsewhere, and gave ``values`` to the journal."""
        self._task = batches[-1].task
        self.last_batches = [(batch.step, batch.index) for batch in batches]
        for batch, found in zip(batches, values, strict=True):
            self.window[self.cycle.turn.phase.name, batch.task].give(found)

    def loss_scale(self) -> float:
        """What the loss of the phase whose turn it is is multiplied with."""
        scaler = self.cycle.turn.scaler
        return scaler.value if scaler else 1.0

    def draw_anew(self, batch: Batch) -> None:
        """Start the random numbers of a micro-step of the phase whose turn it is."""
        keys = () if self.cycle.alone else (self.cycle.turn.phase.name,)
        set_seed(seed_of(self.seed, "micro-step", batch.step, *keys))

    def on_after_backward(self) -> None:
        self.cycle.release()
        if self.noise:
            self.noise.remove()

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None
    ) -> None:
        optimizer_closure()
        turn = self.cycle.turn
        if self.sharded:
            self.sharded.average_gradients()
        if turn.scaler:
            turn.scaler.unscale(turn.parameters)
        self.frozen.drop_gradients(self.step + 1)
        gradient = self.cosines.measure(self._task) if self.cosines else {}
        if self.joint:
            held_now = self.joint.add(self._task, self.last_batches, self._objectives)
            self._objectives = []
            finite = math.isfinite(held_now.norm)
            if self.cosines and finite:
                self.cosines.keep(self._task, gradient)
            if not self.joint.complete:
                self.cycle.advance()
                return
        turn.mover.set_rate(self.step + 1)
        held = self.joint.finish(self.step + 1) if self.joint else []
        verdict = turn.gradients.finish(wait=self.waits)
        if self.cosines and verdict.finite and not self.joint:
            self.cosines.keep(self._task, gradient)
        if held and not verdict.finite:
            self._task, self.last_batches = culprit(held).task, culprit(held).batches
        made = Update(self.step + 1, self.last_batches, self._phase_told, self._task)
        self.finite.settle(then=(made, verdict.norm))
        if verdict.update:
            update(turn.mover.optimizer)
            self._moved.append(turn)
        if (turn.scaler or not verdict.finite) and self.finite.drops(made, verdict, scaler=turn.scaler):
            self.memories.forget()
        for part in self.finishing:
            part.finish_step(step=self.step + 1, moved=verdict.update)
        clear_gradients(turn.mover.optimizer)  # Gives their memory to the next forward pass.
        if not held:
            self.window[turn.phase.name, self._task].close(verdict, counts=self._counts)
        for one in held:  # a step that is dropped is dropped once
            told = Verdict(one.norm, verdict.update or one is not held[-1], verdict.finite)
            self.window[turn.phase.name, one.task].close(told)
        if held and self.cosines:
            self.cosines.part()
        if self.replicas:
            self.replicas.leave(self.cycle.place)
        if self.cycle.advance():
            self._finish_cycle()

    def finish_step_of_round(self, heard: Mapping[int, Tensor]) -> None:
        """A step is over that each replica has taken, here or elsewhere; ``heard`` is what those say that are
        elsewhere, where they meet after it.
        """
        self._moved = [self.cycle.turn]
        self._finish_cycle(heard)

    def _finish_cycle(self, heard: Mapping[int, Tensor] = MappingProxyType({})) -> None:
        self.step += 1
        if self.sharded:
            self.sharded.share_buffers()
        if self.replicas:
            self.replicas.meet(self.step, heard)
        if self.average and self._moved:
            moved = (turn.parameters for turn in self._moved)
            self.average.update(None if self.cycle.alone else {id(one) for one in chain.from_iterable(moved)})
        if self._moved:
            self.teachers.follow()
        self._moved = []

    @property
    def waits(self) -> bool:
        """Whether each step's norm is read before its update.

        Where nothing but stopping depends on it and a GPU would have to be waited for, it is read a step
        later, and always before anything is written down.
        """
        turn = self.cycle.turn
        decides = turn.gradients.decide or turn.scaler is not None or self.joint is not None
        return decides or self.device.type != "cuda"

    @property
    def _phase_told(self) -> str | None:
        """The phase as messages name it; ``None`` where there is one."""
        return None if self.cycle.alone else self.cycle.turn.phase.name

    def settle(self) -> None:
        """Make sure that the last step was finite; raises ``NotFinite`` if it was not."""
        self.finite.settle()

    def rates(self, step: int) -> dict[str, float]:
        """The learning rate of each phase in a step, from 1, and what weighs losses, as in the journal."""
        rates = self.window.keyed("rate", [turn.mover.rate(step) for turn in self.cycle.phases])
        scalers = [turn.scaler for turn in self.cycle.phases if turn.scaler]
        if scalers:
            rates |= self.window.keyed("loss_scale", [scaler.value for scaler in scalers])
            rates |= self.window.keyed("overflows", [scaler.overflows for scaler in scalers])
        for part in (self.program.weighting, self.program.joining):
            rates |= part.told() if part else {}
        return rates | ({"sent_megabytes": self.replicas.megabytes(step)} if self.replicas else {})

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """Everything of a checkpoint that is not a plain number."""
        found: dict[str, Mapping[str, Tensor]] = {
            "weights": checkpoint_tensors(self.model),
            "optimizer": {}
            if self.replicas
            else optimizer_tensors((mover.optimizer for mover in self.cycle.movers.values()), self.model),
        }
        if self.replicas:
            found |= self.replicas.tensors()
        if self.average:
            found["average"] = self.average.tensors()
        if self.cosines:
            found["task_gradients"] = self.cosines.tensors()
        return found | self.teachers.tensors() | self.memories.tensors()

    def numbers(self) -> dict[str, Any]:
        """The plain numbers of a checkpoint; all processes must ask."""
        if self.replicas:
            self.replicas.collect()
        self.memories.collect()
        return {
            "step": self.step,
            "skipped": self.finite.skipped,
            "learned": self.targets.learned,
            "slices": self.micro_batches,
            "window": self.window.state(),
            "norms": self.cycle.keyed(
                {turn.phase.name: turn.gradients.state() for turn in self.cycle.phases}
            ),
            **({"cosines": self.cosines.state()} if self.cosines else {}),
            **self._scales(),
        }

    def _scales(self) -> dict[str, Any]:
        scales = {turn.phase.name: turn.scaler.state() for turn in self.cycle.phases if turn.scaler}
        return {"loss_scale": self.cycle.keyed(scales)} if scales else {}

    def restore(
        self, tensors: Mapping[str, Mapping[str, Tensor]], numbers: Mapping[str, Any], *, first: bool = True
    ) -> None:
        """Go back to where a checkpoint was written; ``first``: this is the first of the processes."""
        load_tensors(self.model, dict(tensors["weights"]))
        for mover in self.cycle.movers.values():
            load_optimizer(mover.optimizer, self.model, tensors["optimizer"])
        if self.replicas:
            self.replicas.load(tensors)
        if self.average:
            self.average.load(dict(tensors["average"]))
        self.teachers.load(tensors)
        self.memories.load(tensors)
        self.step, self.finite.skipped = numbers["step"], numbers["skipped"]
        self.targets.learned = numbers.get("learned", True)
        if self.cosines:
            self.cosines.load(tensors.get("task_gradients", {}), numbers.get("cosines", {}))
        self.window.load(numbers["window"], first=first)
        for turn, norms in self.cycle.by_phase(numbers["norms"]):
            turn.gradients.load(norms)
        # A run may have begun in another precision.
        for turn, scale in self.cycle.by_phase(numbers["loss_scale"]) if "loss_scale" in numbers else ():
            if turn.scaler:
                turn.scaler.load(scale)

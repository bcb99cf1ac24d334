"""The cycle of phases that one training step goes through, and whose turn it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from seqspec.compile.build.parameter_claims import Parts
from seqspec.compile.build.program import Program
from seqspec.runtime.training.gradients import Gradients
from seqspec.runtime.training.optimizers.loss_scaler import LossScaler
from seqspec.runtime.training.optimizers.parameter_groups import Mover
from seqspec.schema.procedure._procedure import Phase
from seqspec.schema.sections.train import LossScale, Train


class Turn:
    """One phase with all that carries it out; a phase that is repeated has several turns in a cycle."""

    def __init__(
        self,
        phase: Phase,
        mover: Mover,
        parameters: Sequence[nn.Parameter],
        train: Train,
        limits: Any,
        beside: Collection[nn.Parameter] = (),
        scaler: LossScaler | None = None,
    ) -> None:
        """``beside``: parameters that move with the rest; their gradients enter no norm and no clipping."""
        self.phase, self.mover, self.scaler = phase, mover, scaler
        self.parameters = list(parameters)
        own = {name: getattr(limits, name, None) for name in ("clip_norm", "clip_value")}
        changed = {name: value for name, value in own.items() if value is not None}
        measured = _without(self.parameters, list(beside))
        self.gradients = Gradients(train.model_copy(update=changed) if changed else train, measured)


class Cycle:
    """The turns of a training step, one after another, again and again.

    ``sharers``: processes that share the repeats of each phase, where these are replicas.  ``scaled``: each
    phase scales its loss.
    """

    def __init__(self, program: Program, *, sharers: int = 1, scaled: bool = False) -> None:
        self.movers = {name: Mover(claim, program.module) for name, claim in program.optimizers.items()}
        self.phases = [_turn(program, phase, self.movers, scaled=scaled) for phase in program.phases]
        each = _joined(program) if program.joining else 1
        self.turns = [turn for turn in self.phases for _ in range(turn.phase.repeats // sharers * each)]
        self.alone = len(self.phases) == 1
        """There is one phase, so that nothing needs to be told apart."""
        trainable = [parameter for mover in self.movers.values() for parameter in mover.parameters]
        self._rest = {turn.phase.name: _without(trainable, turn.parameters) for turn in self.phases}
        """Parameters that stand still in the turns of each phase."""
        self._next = 0
        self._stands = False

    @property
    def turn(self) -> Turn:
        """Whose turn it is."""
        return self.turns[self._next]

    @property
    def place(self) -> int:
        """How many turns of the step are over."""
        return self._next

    @contextmanager
    def standing_at(self, place: int) -> Iterator[None]:
        """Within it this is the turn, again and again."""
        before, self._next, self._stands = self._next, place, True
        try:
            yield
        finally:
            self._next, self._stands = before, False

    def advance(self) -> bool:
        """Go on to the next turn; gives whether that ended the cycle."""
        if self._stands:
            return False
        self._next = (self._next + 1) % len(self.turns)
        return self._next == 0

    def hold_the_rest(self) -> None:
        """Until ``release``, gradients flow to the parameters of this turn alone."""
        if not self.alone:
            for parameter in self._rest[self.turn.phase.name]:
                parameter.requires_grad = False

    def release(self) -> None:
        """Let every trainable parameter have gradients again."""
        if not self.alone:
            for parameter in self._rest[self.turn.phase.name]:
                parameter.requires_grad = True

    def keyed(self, values: Mapping[str, Any]) -> Any:
        """What each phase has to say, by its name; of the one phase, what it says."""
        return next(iter(values.values())) if self.alone else dict(values)

    def by_phase(self, value: Any) -> Iterator[tuple[Turn, Any]]:
        """Takes apart what ``keyed`` gave."""
        for turn in self.phases:
            yield turn, value if self.alone else value[turn.phase.name]


def _without(parameters: Sequence[nn.Parameter], own: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    apart = {id(parameter) for parameter in own}
    return [parameter for parameter in parameters if id(parameter) not in apart]


def _joined(program: Program) -> int:
    """Batches that a step joins: one of each task, unless the mix says how many."""
    batches: int | None = getattr(program.plan.experiment.train.mix, "per_step", None)
    return len(program.each) if batches is None else batches


def _turn(program: Program, phase: Phase, movers: Mapping[str, Mover], *, scaled: bool) -> Turn:
    mover, claim = movers[phase.optimizer], program.optimizers[phase.optimizer]
    parameters = mover.parameters
    if phase.parameters is not None:
        parts = Parts(program.module, program.components)
        chosen = {name for part in phase.parameters for name in parts.names(part)}
        parameters = [p for name, p in zip(claim.names, parameters, strict=True) if name in chosen]
    beside = tuple(program.weighting.parameters()) if program.weighting else ()
    train = program.plan.experiment.train
    scaler = LossScaler(train.loss_scale or LossScale()) if scaled else None
    return Turn(phase, mover, parameters, train, claim.config, beside, scaler)

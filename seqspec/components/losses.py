"""The losses of a program: named terms on the model's outputs, weighted and summed to one objective."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components.gauges import OF
from seqspec.components.loss._loss import Loss
from seqspec.components.outputs import Term

if TYPE_CHECKING:
    from seqspec.components.outputs import Output
    from seqspec.components.protocols import Criterion, Model
    from seqspec.data.batching.batch import Batch


@dataclass(frozen=True)
class NamedLoss:
    """One term."""

    on: str
    """Output of the model that it reads."""
    criterion: Criterion | None
    """Built loss; ``None`` for an auxiliary output that is taken as it is."""
    weight: Callable[[int], float] = lambda step: 1.0
    """Pure function of the optimiser step, from 1."""
    teacher: str | None = None
    """Whose output it is compared with."""
    parts: tuple[nn.Module, ...] = ()
    """Whose weights it reads in place of the output."""
    apart: bool = False
    """It is written down as a mean over its own count, not over the targets of the first."""

    @property
    def whole_batch(self) -> bool:
        """What an example adds depends on the other examples of the step's batch."""
        return bool(getattr(self.criterion, "whole_batch", False))


class LossSum(NamedTuple):
    """The losses of one batch."""

    objective: Tensor
    """What ``backward`` is called on: each weighted sum over its normaliser, added up."""
    total: Tensor
    """``objective`` times the normaliser of the first loss: of one loss of weight 1 its very sum."""
    count: Tensor  # type: ignore[assignment]  # a tuple has a method of the name
    """Targets of the first loss."""
    terms: dict[str, Tensor]
    """Further sums by name, for the journal and for metrics: the first loss's as it names them, the others'
    under their name, and of several losses the sum of each as ``loss.NAME``.
    """


class Losses(nn.Module):
    """``losses(model, batch, step=…)``; losses that learn nothing hold no weights."""

    def __init__(self, named: Mapping[str, NamedLoss], *, last_step: int) -> None:
        super().__init__()
        self.named = dict(named)
        self.last_step = last_step
        self.criteria = nn.ModuleList(
            one.criterion for one in named.values() if isinstance(one.criterion, nn.Module)
        )
        self.teachers = nn.ModuleDict()
        """Losses whose teacher is not here are left out."""

    @property
    def left_out(self) -> dict[str, str]:
        """Terms that count examples which a loss leaves out, as they are logged, and why it does."""
        return {
            term if one is first else f"{name}.{term}": why
            for first in [next(iter(self.named.values()))]
            for name, one in self.named.items()
            for term, why in getattr(one.criterion, "left_out", {}).items()
        }

    @property
    def main(self) -> str:
        """The output that the first loss reads."""
        return next(iter(self.named.values())).on

    def forward(
        self, model: Model, batch: Batch, *, step: int | None = None, names: Collection[str] | None = None
    ) -> LossSum:
        """``names`` are the losses of a phase, all where left out; evaluation has no ``step`` and weighs as
        the last one does.
        """
        return self.weigh(self.sums(model, batch, names=names, taught=step is not None), batch, step=step)

    def sums(
        self, model: Model, batch: Batch, *, names: Collection[str] | None = None, taught: bool = True
    ) -> dict[str, Loss]:
        """Each loss by itself, without its weight; the model gives no more outputs than these read.  Without
        ``taught`` no teacher is asked.
        """
        chosen = self.chosen(names, taught=taught)
        outputs = model.outputs(batch, only=frozenset(one.on for one in chosen.values()))
        return self.summed(outputs, chosen, batch)

    def chosen(
        self, names: Collection[str] | None, *, whole_batch: bool | None = None, taught: bool = True
    ) -> dict[str, NamedLoss]:
        """The losses of these names; with ``whole_batch`` those alone that compare all examples of a step's
        batch, or those alone that do not.  Without ``taught`` those of teachers are left out, as are those of
        teachers that are not here.
        """
        here = {None, *(self.teachers if taught else ())}
        return {
            name: one
            for name, one in self.named.items()
            if (names is None or name in names)
            and whole_batch in (None, one.whole_batch)
            and one.teacher in here
        }

    def summed(
        self, outputs: Mapping[str, Output], chosen: Mapping[str, NamedLoss], batch: Batch
    ) -> dict[str, Loss]:
        """Each loss of outputs that are known, without its weight."""
        theirs = self._asked(chosen, batch)
        return {
            name: _of_weights(one, batch) if one.parts else _summed(one, outputs[one.on], theirs)
            for name, one in chosen.items()
        }

    def _asked(self, chosen: Mapping[str, NamedLoss], batch: Batch) -> dict[tuple[str, str], Output]:
        """What each teacher gives of the outputs that are compared, by its name and the output's."""
        found: dict[tuple[str, str], Output] = {}
        teachers: dict[str, Any] = dict(self.teachers.items())
        for name, teacher in teachers.items():
            on = frozenset(one.on for one in chosen.values() if one.teacher == name)
            if on:
                with torch.no_grad():
                    given = teacher.outputs(batch, only=on)
                found |= {(name, output): given[output] for output in on}
        return found

    def normalizer_of(self, batch: Batch, name: str) -> float:
        """What the sum of a loss is divided by in a micro-batch."""
        return _normalizer(batch, name)

    def means(self, sums: Mapping[str, Loss], batch: Batch, *, step: int) -> dict[str, tuple[float, Tensor]]:
        """The weight that each loss states for a step, and what its mean is, of a micro-batch."""
        return {
            name: (self.named[name].weight(step), loss.total / _normalizer(batch, name))
            for name, loss in sums.items()
        }

    def weigh(self, sums: Mapping[str, Loss], batch: Batch, *, step: int | None = None) -> LossSum:
        """One objective of all; sums over one normaliser are added before they are divided."""
        first = next(iter(sums))
        by_normalizer: dict[float, Tensor] = {}
        for name, loss in sums.items():
            weight = self.named[name].weight(self.last_step if step is None else step)
            part = loss.total if weight == 1 else weight * loss.total
            normalizer = _normalizer(batch, name)
            by_normalizer[normalizer] = (
                by_normalizer[normalizer] + part if normalizer in by_normalizer else part
            )
        parts = [total / normalizer for normalizer, total in by_normalizer.items()]
        normalizer = _normalizer(batch, first)
        objective = sum(parts[1:], start=parts[0])
        total = by_normalizer[normalizer] if len(by_normalizer) == 1 else objective * normalizer
        apart = {name for name in sums if self.named[name].apart}
        return LossSum(objective, total, sums[first].count, _terms(sums, first, apart))


def _of_weights(one: NamedLoss, batch: Batch) -> Loss:
    assert one.criterion is not None
    held = {id(weight): weight for part in one.parts for weight in part.parameters()}
    return one.criterion(held.values(), batch.index)


def _summed(one: NamedLoss, output: Output, theirs: Mapping[tuple[str, str], Output]) -> Loss:
    if one.criterion is not None and one.teacher is not None:
        return one.criterion(*output[:3], teacher=theirs[one.teacher, one.on])
    if one.criterion is None:
        assert isinstance(output, Term)
        return Loss(output[0], output[1], {})
    each = getattr(output, "each", None)
    loss = one.criterion(*(output if each is None else output[:-1]))
    return loss if each in (None, 1) else _mean_over(loss, each)


def _mean_over(loss: Loss, each: int) -> Loss:
    terms = {name: term / each for name, term in loss.terms.items()}
    return Loss(loss.total / each, loss.count // each, terms)


def _normalizer(batch: Any, name: str) -> float:
    """What the sum of a loss is divided by; losses whose targets are not counted apart share the first's."""
    normalizers: Mapping[str, float] = getattr(batch, "loss_normalizers", {})
    return float(normalizers.get(name, batch.loss_normalizer))


def _terms(sums: Mapping[str, Loss], first: str, apart: Collection[str]) -> dict[str, Tensor]:
    found = dict(sums[first].terms)
    if len(sums) == 1:
        return found
    for name, loss in sums.items():
        found[f"loss.{name}"] = loss.total.detach()
        if name in apart:
            found[f"loss.{name}{OF}"] = loss.count
        if name != first:
            found |= {f"{name}.{term}": value for term, value in loss.terms.items() if term != name}
    return found

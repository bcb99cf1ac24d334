"""What a step makes small: the losses of a batch, each with the weight that it has in that step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from seqspec.compile.build.program import Program
from seqspec.components.losses import LossSum
from seqspec.data.batching.batch import Batch
from seqspec.runtime.training.losses.whole_batch import Seeded, WholeBatch
from seqspec.schema.loss._names import loss_name
from seqspec.schema.procedure._procedure import Phase


class Objective:
    """Of each task of a program.  ``seeded`` starts the random numbers of a micro-step; ``wrap`` stands
    around the losses; ``scale`` is what float16's are multiplied with before a backward pass.
    """

    def __init__(
        self,
        program: Program,
        *,
        micro_batches: int,
        seeded: Seeded,
        wrap: Callable[..., Any] | None = None,
        scale: Callable[[], float] | None = None,
    ) -> None:
        self.program, self._scale = program, scale
        self._losses: dict[str, Callable[..., Any]] = {
            name: wrap(one.losses.sums) if wrap else one.losses.sums for name, one in program.each.items()
        }
        self._whole = dict(self._whole_batches(micro_batches, seeded)) if micro_batches > 1 else {}

    def joins(self, task: str) -> bool:
        """Whether a loss of the task compares examples of several micro-batches."""
        return task in self._whole

    def __call__(self, phase: Phase, batch: Batch, *, step: int) -> LossSum | None:
        """The losses of a phase on a batch in a step, from 1; ``None`` where they wait for the other
        micro-batches of the step.
        """
        if batch.task in self._whole:
            return self._whole[batch.task].objective(batch, names=phase.losses, step=step)
        program = self.program.each[batch.task]
        sums = self._losses[batch.task](program.model, batch, names=phase.losses)
        found = program.losses.weigh(sums, batch, step=step)
        if self.program.weighting is not None:
            means = program.losses.means(sums, batch, step=step)
            alone = len(program.plan.losses) == 1
            told = {loss_name(batch.task, name, alone=alone): one for name, one in means.items()}
            found = found._replace(objective=self.program.weighting(told))
        weight = self.program.weight(batch.task)
        return found if weight == 1 else found._replace(objective=weight * found.objective)

    def _whole_batches(self, micro_batches: int, seeded: Seeded) -> Iterator[tuple[str, WholeBatch]]:
        """What joins the micro-batches of the tasks in which a loss compares examples."""
        for name, one in self.program.each.items():
            if one.losses.chosen(None, whole_batch=True):
                weight = self.program.weight(name)
                yield (
                    name,
                    WholeBatch(
                        one, micro_batches=micro_batches, weight=weight, seeded=seeded, scale=self._scale
                    ),
                )

"""Joint training: a step takes a batch of each task, and one update follows the sum of their gradients."""

from collections.abc import Sequence
from typing import ClassVar

from seqspec.schema.procedure._joined import one_phase
from seqspec.schema.procedure._procedure import Phase, ProcedureConfig


class JointConfig(ProcedureConfig):
    """One update for all tasks, where `supervised` makes one for the task whose turn it is."""

    joins: ClassVar[bool] = True

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        return one_phase("joint", optimizers)

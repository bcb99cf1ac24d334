"""PCGrad, gradient surgery: Yu et al. (2020), "Gradient Surgery for Multi-Task Learning", arXiv:2001.06782,
algorithm 1.
"""

from collections.abc import Sequence
from typing import ClassVar

from seqspec.schema.procedure._joined import one_phase
from seqspec.schema.procedure._procedure import Phase, ProcedureConfig


class PcgradConfig(ProcedureConfig):
    """A step takes a batch of each task; from a task's gradient is taken what goes against another's.

    Where the dot product of two gradients is below 0, the one is projected onto the plane that is normal to
    the other, for the other tasks in random order; then the gradients of all tasks are added.  What only one
    task trains keeps its gradient.
    """

    joins: ClassVar[bool] = True

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        return one_phase("pcgrad", optimizers)

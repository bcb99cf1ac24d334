"""GradNorm: Chen et al. (2018), "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep
Multitask Networks", ICML, arXiv:1711.02257, algorithm 1.
"""

from collections.abc import Sequence
from typing import ClassVar

from seqspec.schema.procedure._joined import one_phase
from seqspec.schema.procedure._procedure import Phase, ProcedureConfig
from seqspec.schema.units import NonNegative, PositiveFloat


class GradnormConfig(ProcedureConfig):
    """A step takes a batch of each task; tasks whose gradients are too small for how fast they learn weigh
    more.

    Each task's gradient has a weight, from 1.  The norms of the weighted gradients are moved towards their
    mean times r^alpha, where r is a task's loss over its first one, relative to the mean of all tasks; then
    the weights are scaled so that they sum to the number of tasks.

    The paper compares gradients at the last layer that is shared, to save time; a step has them at every
    shared parameter, and compares them there.  It moves the weights by Adam, here it is gradient descent.
    """

    joins: ClassVar[bool] = True

    alpha: NonNegative = 1.5
    """How strongly tasks that learn slowly are pulled; 0 makes all norms equal."""
    rate: PositiveFloat = 0.025
    """Learning rate of the weights."""

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        return one_phase("gradnorm", optimizers)

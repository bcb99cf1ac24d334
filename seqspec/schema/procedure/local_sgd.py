"""Post-local SGD: Lin et al. (2018), "Don't Use Large Mini-Batches, Use Local SGD", arXiv:1808.07217."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from seqspec.schema.procedure._procedure import Apart, Exchange, Phase, ProcedureConfig
from seqspec.schema.procedure._replicas import only_optimizer
from seqspec.schema.units import Count, Later, Positive


class LocalSgdConfig(ProcedureConfig):
    """Replicas train on batches of their own, and every so many steps all go on from the mean of their
    weights.

    One training step takes a batch for each replica.  How many processes play the replicas changes no bit.
    """

    replicas: Annotated[int, Field(ge=1, le=4096)]
    """Replicas of the model, each with its own optimiser state and batches."""
    every: Positive = 16
    """Optimiser steps between two meetings."""
    after_step: Count = 0
    """Up to this step the replicas meet after each one."""
    exchange: Annotated[Exchange, Later] = "float32"
    """Form in which a replica sends how far each weight has come, rounded to the nearest.  The whole numbers
    and ``sign`` have a float32 scale for each 256 weights of a tensor.  ``sign`` sends 1 bit, and a replica
    keeps what that could not say until the next meeting.
    """

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        return (Phase("local_sgd", only_optimizer(optimizers), repeats=self.replicas),)

    def apart(self) -> Apart:
        return Apart(self.replicas, self.every, self.after_step, 1.0, 0.0, self.exchange)

"""DiLoCo: Douillard et al. (2023), "DiLoCo: Distributed Low-Communication Training of Language Models",
arXiv:2311.08105, algorithm 1; with ``fragments`` its streaming form, the partial updates of Douillard et al.
(2025), "Streaming DiLoCo with overlapping communication: Towards a Distributed Free Lunch", arXiv:2501.18512.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.procedure._procedure import Apart, Exchange, Phase, ProcedureConfig
from seqspec.schema.procedure._replicas import only_optimizer
from seqspec.schema.units import Fraction, Later, Positive, PositiveFloat


class DilocoConfig(ProcedureConfig):
    """Replicas train on batches of their own and meet seldom: then the mean of how far each has come is the
    gradient of an outer step, with Nesterov momentum, and all go on from where that leads.

    One training step takes a batch for each replica.  How many processes play the replicas changes no bit.
    """

    replicas: Annotated[int, Field(ge=1, le=4096)]
    """Replicas of the model, each with its own optimiser state and batches."""
    every: Positive = 500
    """Optimiser steps between two meetings."""
    rate: PositiveFloat = 0.7
    """Learning rate of the outer step."""
    momentum: Fraction = 0.9
    """Nesterov momentum of the outer step."""
    exchange: Annotated[Exchange, Later] = "float32"
    """Form in which a replica sends how far each weight has come, rounded to the nearest.  The whole numbers
    and ``sign`` have a float32 scale for each 256 weights of a tensor.  ``sign`` sends 1 bit, and a replica
    keeps what that could not say until the next meeting.
    """
    fragments: Annotated[Positive, Later] = 1
    """Parts that the weights are cut into, in their order and about as large.  Each meets every ``every``
    steps and no two together, so that no more than one is ever sent at once; after the plan's last step all
    meet.
    """

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        if self.fragments > self.every:
            raise Mismatch(
                f"{self.fragments} fragments cannot each have a step of their own in {self.every}",
                at=("fragments",),
                help=f"take {self.every} or fewer",
            )
        return (Phase("diloco", only_optimizer(optimizers), repeats=self.replicas),)

    def apart(self) -> Apart:
        return Apart(self.replicas, self.every, 0, self.rate, self.momentum, self.exchange, self.fragments)

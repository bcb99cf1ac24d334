"""DiLoCo: Douillard et al. (2023), "DiLoCo: Distributed Low-Communication Training of Language Models",
arXiv:2311.08105, algorithm 1; with ``fragments`` and ``overlap`` its streaming form, Douillard et al. (2025),
"Streaming DiLoCo with overlapping communication: Towards a Distributed Free Lunch", arXiv:2501.18512,
algorithm 2.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.procedure._procedure import Apart, Exchange, Phase, ProcedureConfig
from seqspec.schema.procedure._replicas import only_optimizer
from seqspec.schema.units import Count, Fraction, Later, Positive, PositiveFloat


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
    overlap: Annotated[Count, Later] = 0
    """Optimiser steps that the replicas take while what a fragment has sent is under way; 0 waits for it.
    The next fragment is sent when this one has arrived; after the plan's last step all meet.
    """
    mixing: Annotated[Fraction, Later] = 0.5
    """With ``overlap``: share of its own weights that a replica keeps when the new ones arrive.  At 0 what it
    has learned meanwhile is lost; at 1 it takes up nothing from the others.
    """

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        if self.fragments > self.every:
            raise Mismatch(
                f"{self.fragments} fragments cannot each have a step of their own in {self.every}",
                at=("fragments",),
                help=f"take {self.every} or fewer",
            )
        self._check_overlap()
        return (Phase("diloco", only_optimizer(optimizers), repeats=self.replicas),)

    def apart(self) -> Apart:
        return Apart(
            self.replicas, self.every, 0, self.rate, self.momentum, self.exchange, self.fragments,
            self.overlap, self.mixing if self.overlap else 0.0,
        )  # fmt: skip

    def _check_overlap(self) -> None:
        between = self.every // self.fragments
        if self.overlap > between:
            raise Mismatch(
                f"what is sent would be under way for {self.overlap:,} steps, and the next is sent after "
                f"{between:,}",
                at=("overlap",),
                help=f"take {between:,} or fewer, or an `every` of {self.overlap * self.fragments:,} or more",
            )
        if not self.overlap and "mixing" in self.model_fields_set:
            raise Mismatch(
                "nothing reads `mixing` without `overlap`: who waits has learned nothing meanwhile",
                at=("mixing",),
                help="take it out, or say `overlap` as well",
            )

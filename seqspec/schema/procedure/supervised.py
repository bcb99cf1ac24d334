"""Supervised training: every step is one update of all parameters on all losses."""

from collections.abc import Sequence

from seqspec.schema.config import Mismatch
from seqspec.schema.procedure._procedure import Phase, ProcedureConfig


class SupervisedConfig(ProcedureConfig):
    """One phase, one optimiser."""

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        if len(optimizers) != 1:
            raise Mismatch(
                f"one update a step needs one optimiser, and the spec names {len(optimizers)}",
                help="write `optimizer`, or name a procedure with a phase for each of them",
            )
        return (Phase("supervised", optimizers[0]),)

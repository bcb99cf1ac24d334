"""What procedures share whose step takes a batch of each task."""

from collections.abc import Sequence

from seqspec.schema.config import Mismatch
from seqspec.schema.procedure._procedure import Phase


def one_phase(name: str, optimizers: Sequence[str]) -> tuple[Phase, ...]:
    """The one phase, moved by the one optimiser."""
    if len(optimizers) != 1:
        raise Mismatch(
            f"one update a step needs one optimiser, and the spec names {len(optimizers)}",
            help="write `optimizer` in place of `optimizers`",
        )
    return (Phase(name, optimizers[0]),)

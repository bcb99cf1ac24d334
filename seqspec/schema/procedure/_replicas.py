"""What procedures with replicas share."""

from collections.abc import Sequence

from seqspec.schema.config import Mismatch


def only_optimizer(optimizers: Sequence[str]) -> str:
    """The one optimiser that moves each replica."""
    if len(optimizers) != 1:
        raise Mismatch(
            f"each replica is moved by one optimiser, and the spec names {len(optimizers)}",
            help="write `optimizer` in place of `optimizers`",
        )
    return optimizers[0]

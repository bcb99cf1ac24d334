"""How long an input may be for a layer that knows a limited number of positions."""

from __future__ import annotations

from typing import Any

from seqspec.schema.diagnostic import DataError

TOO_LONG = "SQ362"
UNBOUNDED = 2**63 - 1


class InputTooLong(DataError):
    """An input has more positions than a layer has learned; the whole batch is refused."""

    def __init__(self, size: int, limit: int, *, field: str = "max_positions") -> None:
        self.size, self.limit = size, limit
        super().__init__(
            f"an input of {size} positions, and the model has learned {limit} (`{field}`)",
            help="leave longer examples out under `data.filter`, of every split, or let the model know more",
            code=TOO_LONG,
        )


def longest_output(decoder: Any) -> int:
    """The most ids that a decoder can write after its first input: one a position that it knows."""
    known: int | None = getattr(decoder, "max_positions", None)
    return UNBOUNDED if known is None else known

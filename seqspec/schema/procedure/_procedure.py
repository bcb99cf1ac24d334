"""What a procedure is: the cycle of phases that one training step goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

from seqspec.schema.config import Config

Exchange = Literal["float32", "bfloat16", "int8", "int4", "sign"]
"""How replicas that train apart tell each other how far they have come."""
LEVELS: Mapping[Exchange, int] = {"int8": 127, "int4": 7}
"""The largest whole number of the forms that round to whole numbers."""
BITS: Mapping[Exchange, int] = {"float32": 32, "bfloat16": 16, "int8": 8, "int4": 4, "sign": 1}
"""Bits of each value, beside the scales."""
SCALED: tuple[Exchange, ...] = (*LEVELS, "sign")
"""The forms that have a scale for each block."""
BLOCK = 256
"""Neighbouring values of a tensor that have a float32 scale in common."""


class Phase(NamedTuple):
    """A part of a training step: its losses are made small by moving some of the parameters."""

    name: str
    """Random numbers, journal lines and messages are keyed by it."""
    optimizer: str
    """Name of the optimiser."""
    losses: tuple[str, ...] | None = None
    """Names of the losses; ``None`` for all of them."""
    parameters: tuple[str, ...] | None = None
    """Parts of the spec that move, among those of the optimiser; ``None`` for all of these."""
    repeats: int = 1
    """Updates in a row, each on a batch of its own."""


class Apart(NamedTuple):
    """Replicas that each take their own turn of a step and meet seldom."""

    replicas: int
    every: int
    """Steps between two meetings."""
    after: int
    """Up to this step they meet after each one."""
    rate: float
    """Of the outer step: 1 with no momentum is the mean."""
    momentum: float
    """Nesterov's, of the outer step."""
    exchange: Exchange = "float32"
    """What each weight is sent as."""
    fragments: int = 1
    """Parts of the weights that meet at steps of their own."""
    overlap: int = 0
    """Steps that are taken while what a part has sent is under way."""
    mixing: float = 0.0
    """Share of its own weights that a replica keeps when the new ones arrive."""

    def meets(self, step: int) -> bool:
        """Whether any part meets after this step, from 1."""
        return any(self.is_due(fragment, step) for fragment in range(self.fragments))

    def is_due(self, fragment: int, step: int) -> bool:
        """Whether this part, from 0, meets after this step."""
        since = step - self.after - self._first(fragment)
        return step <= self.after or (since >= 0 and since % self.every == 0)

    def meetings(self, fragment: int, step: int) -> int:
        """How often this part has met by this step."""
        since = step - self.after - self._first(fragment)
        return min(step, self.after) + max(since + self.every, 0) // self.every

    def arrives(self, step: int) -> bool:
        """Whether what any part has sent is taken up after this step."""
        return step > self.overlap and self.meets(step - self.overlap)

    def _first(self, fragment: int) -> int:
        """Steps until it meets for the first time: the last part after ``every``, the others before."""
        return (fragment + 1) * self.every // self.fragments

    @property
    def meets_at_end(self) -> bool:
        """Whether all parts meet after the plan's last step, whichever it is."""
        return self.fragments > 1 or self.overlap > 0

    @property
    def value_bytes(self) -> float:
        """Bytes that a weight takes when it is sent, its part of a scale among them."""
        return BITS[self.exchange] / 8 + (4 / BLOCK if self.exchange in SCALED else 0.0)

    @property
    def keeps_rest(self) -> bool:
        """Whether what a message could not say stays with its replica until the next meeting."""
        return self.exchange == "sign"


class ProcedureConfig(Config):
    """What every procedure declares."""

    any_of_slot: ClassVar[bool] = True

    joins: ClassVar[bool] = False
    """A step takes a batch of each task, and one update follows what the built procedure's ``combine`` makes
    of their gradients.
    """

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        """The cycle, given the names of the spec's optimisers; a name may be one that is not among them."""
        raise NotImplementedError

    def apart(self) -> Apart | None:
        """Whether the repeats of the phase are replicas that train apart."""
        return None

    def updates(self, optimizers: Sequence[str]) -> int:
        """Updates, and so batches, of one training step."""
        return sum(phase.repeats for phase in self.phases(optimizers))

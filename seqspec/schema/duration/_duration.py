"""What every model of durations takes."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Poison, States, Type


def states_of(source: Mapping[str, Type]) -> States | Poison:
    """The states of the tokens; raises ``Mismatch`` where there is no state a token."""
    states = source["states"]
    if not isinstance(states, States | Poison):
        raise Mismatch(f"durations are learned of states of tokens, and this is {states}")
    return states


def require_odd(kernel: int) -> None:
    """Raises ``Mismatch`` for a convolution without a middle."""
    if kernel % 2 == 0:
        raise Mismatch(f"a kernel of {kernel} has no middle", at=("kernel",), help="choose an odd width")

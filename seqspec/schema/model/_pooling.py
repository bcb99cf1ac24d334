"""How what an encoder gives becomes one vector an example."""

from __future__ import annotations

from typing import Literal

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.types import Poison, States, Type, Vector

Pooling = Literal["mean", "first", "max", "none"]
POOLED = {
    States: ("mean", "the encoder gives a state a position"),
    Vector: ("none", "the encoder gives one vector an example"),
}
"""How what an encoder gives becomes one vector, where the spec does not say."""


def pooled(pooling: Pooling | None, given: Type, flow: Flow, *, reader: str) -> Type:
    """The type of the pooled vector; ``reader`` names who pools.  Raises ``Mismatch``."""
    if isinstance(given, Poison):
        return given
    if not isinstance(given, States | Vector):
        raise Mismatch(f"{reader} pools states, and the encoder gives {given}", at=("encoder",))
    follows, reason = POOLED[type(given)]
    if pooling is None:
        flow.derive("pooling", follows, reason)
    elif (pooling == "none") != (follows == "none"):
        raise Mismatch(
            f"pooling `{pooling}` does not fit: {reason}",
            at=("pooling",),
            help=f"use `{follows}`, or leave `pooling` out",
        )
    return Vector(given.dim)

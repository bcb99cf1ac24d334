"""Nats of an example as bits of one of its dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from seqspec.schema.types import Likelihood, Type


def bits_divisor(takes: Mapping[str, Type]) -> float | None:
    """What nats of an example are divided by; ``None`` where they are of a density, which has no bits, or of
    texts, each of which has as many dimensions as words.
    """
    given = takes["given"]
    assert isinstance(given, Likelihood)
    return given.dimensions * math.log(2) if given.discrete and given.dimensions else None

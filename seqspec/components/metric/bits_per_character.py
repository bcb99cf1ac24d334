"""Bits per character."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._sums import Sums
from seqspec.schema.metric.bits_per_character import BitsPerCharacterConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class BitsPerCharacter:
    """Teacher-forced: from the sums that scoring the references gives."""

    reads = "teacher_forced"
    needs = ("nll", "characters")
    better = "lower"

    def __init__(self, config: BitsPerCharacterConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._sums = Sums(self.needs)

    def update(self, sums: Mapping[str, float]) -> None:
        """Add the sums of one batch; every name of ``needs`` must be among them."""
        self._sums.add(sums)

    def compute(self) -> dict[str, float]:
        """``bits_per_character``, 0 without examples."""
        if not self._sums["characters"]:
            return {"bits_per_character": 0.0}
        return {"bits_per_character": self._sums["nll"] / math.log(2) / self._sums["characters"]}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "bits_per_character"), ("reads", "teacher_forced")])

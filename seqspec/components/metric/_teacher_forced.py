"""What metrics share that read the sums of scoring the references, rather than hypotheses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._sums import Sums
from seqspec.schema.config import Config

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class TeacherForced(ABC):
    """One number out of two sums, the second of which counts something."""

    name: str
    needs: tuple[str, str]
    reads = "teacher_forced"
    better = "lower"

    def __init__(self, config: Config, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._sums = Sums(self.needs)

    @abstractmethod
    def of(self, total: float, count: float) -> float:
        """The metric, where ``count`` is above 0."""

    def update(self, sums: Mapping[str, float]) -> None:
        """Add the sums of one batch; every name of ``needs`` must be among them."""
        self._sums.add(sums)

    def compute(self) -> dict[str, float]:
        """The metric by its name, 0 without examples."""
        total, count = (self._sums[name] for name in self.needs)
        return {self.name: self.of(total, count) if count else 0.0}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", self.name), ("reads", self.reads)])

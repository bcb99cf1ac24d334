"""What a checkpoint holds besides tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Standing:
    """How the run stands: what a checkpoint holds besides tensors, and what resuming starts from."""

    scores: dict[int, float] = field(default_factory=dict)
    judged_at: int = 0
    journal: int = 0
    patience: int = 0
    stopped: bool = False
    """Ended before ``max_steps`` because nothing improved."""

    def as_json(self) -> dict[str, Any]:
        return {
            "scores": {str(step): score for step, score in self.scores.items()},
            "judged_at": self.judged_at,
            "journal": self.journal,
            "patience": self.patience,
            "stopped": self.stopped,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Standing:
        scores = {int(step): score for step, score in state["scores"].items()}
        return cls(scores, state["judged_at"], state["journal"], state["patience"], state["stopped"])

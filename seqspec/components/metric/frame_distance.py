"""Teacher-forced distance of predicted frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._teacher_forced import TeacherForced
from seqspec.schema.metric.frame_distance import FrameDistanceConfig
from seqspec.schema.types import Type


class FrameDistance(TeacherForced):
    """Per real frame and feature."""

    name = "frame_distance"
    needs = ("l1", "targets")

    def __init__(self, config: FrameDistanceConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self.norm = config.norm
        self.needs = (config.norm, "targets")
        super().__init__(config, takes, parts)

    def of(self, total: float, count: float) -> float:
        return total / count

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", self.name), ("reads", self.reads), ("norm", self.norm)])

"""Teacher-forced distance of predicted frames: what the true durations, pitch or history are known for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Nothing, Poison, Type


class FrameDistanceConfig(Config):
    """The mean over real frames and their features, in the unit of the features."""

    norm: Literal["l1", "l2"] = "l1"
    """Absolute differences, or their squares."""

    def output(self, source: Mapping[str, Type]) -> Type:
        if not isinstance(source["target"], Frames | Poison) or not isinstance(
            source["given"], Frames | Poison
        ):
            raise Mismatch(f"`frame_distance` compares frames, and the target here is {source['target']}")
        return Nothing()

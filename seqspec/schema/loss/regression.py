"""The distance between numbers and those that they should be: frames of a spectrum, durations, pitch."""

from __future__ import annotations

from typing import Literal

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Clip, Counted, Floats, Frames, Poison, Type


class RegressionConfig(LossConfig):
    """Mean over the features of a frame, summed over real frames alone; padding counts nothing."""

    norm: Literal["l1", "l2", "cross_entropy"] = "l2"
    """Absolute differences, their squares, or the cross entropy of pixels as probabilities of white."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Frames | Floats):
            raise Mismatch(f"`regression` compares numbers with numbers, and the model gives {source}")
        if self.norm == "cross_entropy" and not isinstance(source, Clip | Poison):
            raise Mismatch(
                f"`norm: cross_entropy` compares pixels in [0, 1], and the model gives {source}",
                at=("norm",),
                help="use `l1` or `l2`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        """Frames of the target, or the places of the source that have a number each."""
        return Counted("target", "frames") if isinstance(given, Frames) else Counted("source", "tokens")

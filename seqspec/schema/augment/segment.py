"""A random piece of each training example, as vocoders are trained on."""

from __future__ import annotations

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type
from seqspec.schema.units import Positive


class SegmentConfig(Config):
    """Cuts out so many frames in a row; fields with as many frames each are cut at the same place."""

    frames: Positive = 32
    """Frames of a piece; an example that is shorter stays whole."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Frames):
            raise Mismatch(f"`segment` cuts frames, and gets {source}")
        return source

"""Peak signal-to-noise ratio of predicted frames, in dB."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Clip, Nothing, Poison, Type


class PsnrConfig(Config):
    """The mean over frames of −10 log10 of the mean squared error of pixels in [0, 1]; an error of 0 counts
    as ``most``.  ``psnr.mse`` is the mean squared error itself.
    """

    most: Annotated[float, Field(gt=0, le=1000)] = 100.0
    """The largest ratio that counts, in dB."""
    by_frame: bool = False
    """Whether the value of each frame ahead, from 1, is told too."""

    def output(self, source: Mapping[str, Type]) -> Type:
        if not isinstance(source["target"], Clip | Poison):
            raise Mismatch(f"`psnr` compares clips, and the target here is {source['target']}")
        return Nothing()

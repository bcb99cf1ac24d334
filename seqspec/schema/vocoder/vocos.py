"""Vocos: Siuzdak (2023), "Vocos: Closing the gap between time-domain and Fourier-based neural vocoders for
high-quality audio synthesis", arXiv:2306.00814; the defaults are its mel vocoder of 24 kHz.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type
from seqspec.schema.units import Dim, Layers
from seqspec.schema.vocoder.griffin_lim import vocoded


class VocosConfig(Config):
    """Convolutions at the rate of the frames, then a spectrum that is turned back into samples.

    No layer makes several samples of one, so a second of sound costs little.  Transform, window and hop are
    those of the frames.
    """

    dim: Dim = 512
    """Width of the residual blocks, in features."""
    hidden_dim: Dim = 1536
    """Width inside each block."""
    num_layers: Layers = 8
    """Residual blocks (ConvNeXt)."""
    kernel: Annotated[int, Field(ge=1, le=1001)] = 7
    """Frames that a convolution sees; odd."""

    def output(self, source: Type) -> Type:
        given = vocoded(source)
        assert isinstance(source, Frames)
        assert source.mel is not None
        if self.kernel % 2 == 0:
            raise Mismatch(f"a kernel of {self.kernel} has no middle", at=("kernel",), help="use an odd one")
        if source.mel.padding == "none":
            raise Mismatch(
                "the first and the last samples stand in no whole window of frames with `padding: none`",
                help="compute the frames with `padding: same` or `padding: center`",
            )
        return given

"""Variance predictor: Ren et al. (2021), "FastSpeech 2: Fast and High-Quality End-to-End Text to Speech",
arXiv:2006.04558, section 2.3; the defaults are FastPitch's.
"""

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Floats, Frames, States, Type
from seqspec.schema.units import Dim, Layers, Positive, Probability


class ConvolutionConfig(Config):
    """Convolutions, each with ReLU, layer normalisation and dropout, and one number a position."""

    num_layers: Layers = 2
    """Convolutions before the last, linear layer."""
    dim: Dim = 256
    """Channels of each."""
    kernel: Positive = 3
    """Width in positions; odd."""
    dropout: Probability = 0.1
    """Rate of dropout after each normalisation."""

    def output(self, source: Type) -> Floats:
        if not isinstance(source, States | Frames):
            raise Mismatch(f"a predictor reads a vector a position, and this is {source}")
        if self.kernel % 2 == 0:
            message = f"a kernel of {self.kernel} has no middle"
            raise Mismatch(message, at=("kernel",), help="choose an odd width")
        return Floats()

"""Griffin-Lim: Griffin and Lim (1984), "Signal estimation from modified short-time Fourier transform", IEEE
Transactions on Acoustics, Speech and Signal Processing 32; with the momentum of Perraudin et al. (2013), "A
fast Griffin-Lim algorithm", WASPAA.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type, Waveform
from seqspec.schema.units import Positive


class GriffinLimConfig(Config):
    """Finds phases under which a spectrum is that of a waveform; nothing is learned."""

    learns: ClassVar[bool] = False

    iterations: Positive = 60
    """Rounds from spectrum to waveform and back."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """How far each round goes beyond the last change; 0 is the method of 1984."""

    def output(self, source: Type) -> Type:
        return vocoded(source)


def vocoded(source: Type) -> Waveform:
    """The waveform of mel frames; raises ``Mismatch`` where it is not known how they were made."""
    if not isinstance(source, Frames) or source.mel is None:
        raise Mismatch(
            f"a vocoder must know how the frames were made, and this is {source}",
            help="the target needs `audio: {features: mel_spectrogram, normalize: none}`: numbers"
            " that the data tell cannot be undone, and the feature's own `mean` and `deviation` can",
        )
    return Waveform(source.mel.rate)

"""Noise beside the speech: Ko, Peddinti, Povey, Seltzer and Khudanpur (2017), "A Study on Data Augmentation
of Reverberant Speech for Robust Speech Recognition", ICASSP.
"""

from typing import Literal

from seqspec.schema.augment._waveform import Folder, Range, WaveformAugmentConfig, require_ordered
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Type


class NoiseConfig(WaveformAugmentConfig):
    """Adds noise at a random signal-to-noise ratio: the mean power of the recording over that of the noise.

    A recording that is silent throughout is left as it is.
    """

    folder: Folder | None = None
    """Recordings of noise, in it and in the folders below; of each a random piece is taken, again and again
    where it is short.  Left out, the noise is synthetic.
    """
    color: Literal["white", "pink"] | None = None
    """Synthetic noise: of the same power at every frequency (what is taken where nothing is written), or 3 dB
    less an octave.
    """
    snr: Range = [5.0, 20.0]
    """Least and most of the ratio, in dB."""

    def output(self, source: Type) -> Type:
        require_ordered(self.snr, "snr")
        if self.folder is not None and self.color is not None:
            message = "the noise is that of a folder, and has a colour of its own"
            raise Mismatch(message, at=("color",), help="write `folder` or `color`")
        return super().output(source)

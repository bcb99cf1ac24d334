"""Loudness: a random factor on all samples."""

from seqspec.schema.augment._waveform import Range, WaveformAugmentConfig, require_ordered
from seqspec.schema.types import Type


class GainConfig(WaveformAugmentConfig):
    """Makes a recording louder or softer; nothing is clipped."""

    gain: Range = [-10.0, 6.0]
    """Least and most, in dB."""

    def output(self, source: Type) -> Type:
        require_ordered(self.gain, "gain")
        return super().output(source)

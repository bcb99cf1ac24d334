"""The samples of a waveform themselves, for encoders that learn their own features."""

from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type, Waveform


class SamplesConfig(Config):
    """Each sample is a frame of one number; ``data.audio.normalize`` is to be ``none`` beside it."""

    normalize: Literal["none", "utterance"] = "utterance"
    """Mean 0 and variance 1 of each utterance, as the `do_normalize` of a wav2vec 2.0 folder means it."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Waveform):
            raise Mismatch(f"samples are those of a waveform, and this is {source}")
        return Frames(1, rate=source.rate)

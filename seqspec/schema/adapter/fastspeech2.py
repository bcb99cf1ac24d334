"""Speech whose phonemes are already timed, in the layout that the best-known public code of FastSpeech 2
prepares (github.com/ming024/FastSpeech2, ``preprocessed_data``).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Splits
from seqspec.schema.types import Classes, Floats, Frames, Integers, Text, Type, Unknown
from seqspec.schema.units import Dim, Hertz, Positive


class Fastspeech2Config(AdapterConfig):
    """Read ``train.txt`` (``name|speaker|{phonemes}|text``) and, below ``mel``, ``duration``, ``pitch`` and
    ``energy``, an ``.npy`` file each an utterance: phonemes to frames, with a number of each kind a phoneme.
    """

    splits: Splits = {"train": "train.txt", "dev": "val.txt"}
    """Lists of the utterances of each split."""
    language: Language = "en"
    """Language of the phonemes."""
    num_bins: Dim = 80
    """Features of a frame."""
    rate: Hertz = 22_050
    """Samples a second of the recordings that the frames were made of."""
    hop_samples: Annotated[Positive, Field(le=65_536)] = 256
    """Samples between frames."""

    def roles(self) -> dict[str, Type]:
        rate = Fraction(self.rate, self.hop_samples)
        return {
            "source": Text(self.language),
            "target": Frames(self.num_bins, rate=int(rate) if rate.denominator == 1 else rate),
            "durations": Integers(),
            "pitch": Floats(),
            "energy": Floats(),
            "speaker": Classes(Unknown("data.speaker.classes")),
        }

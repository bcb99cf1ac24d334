"""Speed perturbation: Ko, Peddinti, Povey and Khudanpur (2015), "Audio Augmentation for Speech Recognition",
Interspeech.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.augment._waveform import WaveformAugmentConfig

Factor = Annotated[float, Field(ge=0.25, le=4.0)]


class SpeedConfig(WaveformAugmentConfig):
    """Plays a recording faster or slower, which moves its pitch too.

    A factor of 1.1 leaves 1/1.1 of the samples.
    """

    factors: Annotated[list[Factor], Field(min_length=1, max_length=64)] = [0.9, 1.0, 1.1]
    """Speeds, one of which is drawn for each recording; 1 leaves it as it is."""

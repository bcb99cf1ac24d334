"""Other speeds and other voices, made from frames: Ko et al. (2015), "Audio Augmentation for Speech
Recognition", Interspeech, and Jaitly and Hinton (2013), "Vocal Tract Length Perturbation (VTLP) Improves
Speech Recognition", ICML Workshop.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type

Share = Annotated[float, Field(ge=0, le=0.5)]


class StretchConfig(Config):
    """Speaks faster or slower and shifts all resonances together, by a random amount an utterance."""

    time: Share = 0.1
    """Most that time is stretched or shortened, as a share of the utterance."""
    bins: Share = 0.05
    """Most that frequencies move up or down, as a share of the bin's number; what comes from beyond the edge
    repeats it."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Frames):
            raise Mismatch(f"`stretch` changes frames, and gets {source}")
        return source

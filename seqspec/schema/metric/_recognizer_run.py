"""What metrics share that let a trained recogniser hear what a model says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.metric._scoring import Punctuation, wire_text
from seqspec.schema.slot import Slot
from seqspec.schema.types import Frames, Nothing, Poison, Type
from seqspec.schema.units import Cosmetic


class RecognizerRunConfig(Config):
    """A trained recogniser writes down what the model says, and its text is compared with the one that the
    model read.  It hears the sound as ``predict`` writes it, in 16 bits.  Beside it stands the same of the
    true recordings, passed through the model's vocoder: what the recogniser itself gets wrong.

    Which folder its run lies in is this machine's affair; the lock and the metric's signature hold the digest
    of its weights, without which no value can be compared with another.
    """

    percent: ClassVar[bool] = True

    run: Annotated[str, Field(min_length=1, max_length=4096), Environment, Cosmetic]
    """Run directory of a recogniser of speech."""
    checkpoint: Annotated[str, Field(min_length=1, max_length=100)] = "best"
    """Which of its weights: best, last, average, average:N or the name of a checkpoint."""
    normalize: list[Annotated[Config, Slot("normalizer")]] = []
    """Normalisers that both texts go through before they are compared."""
    punctuation: Punctuation = "keep"
    """``strip`` takes punctuation and symbols out of both before they are compared."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Type:
        wire_text(self, flow)
        given, name = source["given"], self.component[1]
        if isinstance(given, Poison):
            return Nothing()
        if not isinstance(given, Frames) or given.mel is None:
            raise Mismatch(
                f"`{name}` hears what a model of speech says of a text, and the model gives {given}",
                help="use it with models that read text and give frames of the feature `mel_spectrogram`",
            )
        return Nothing()

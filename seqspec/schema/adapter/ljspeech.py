"""LJSpeech 1.1: Ito and Johnson (2017), "The LJ Speech Dataset", keithito.com/LJ-Speech-Dataset."""

from typing import Literal

from seqspec.schema.adapter._adapter import Download
from seqspec.schema.adapter._speech import SpeechConfig
from seqspec.schema.types import Text, Type, Waveform
from seqspec.schema.units import Hertz

NATIVE_RATE = 22_050


class LjspeechConfig(SpeechConfig):
    """Read one English speaker: ``LJSpeech-1.1/metadata.csv`` (``id|raw|normalised``) and ``wavs/<id>.wav``.

    The corpus has no splits: everything is ``train``, and ``data.split`` cuts the others out.
    """

    text: Literal["normalized", "raw"] = "normalized"
    """Column of the transcript: with numbers and abbreviations spelt out, or as in the book."""
    resample: Hertz | None = None
    """Samples a second that the audio is resampled to; left out, its own 22,050."""

    def roles(self) -> dict[str, Type]:
        return self.spoken(Waveform(self.resample or NATIVE_RATE), Text("en"))

    def downloads(self) -> tuple[Download, ...]:
        return (Download("https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2", "2.6 GB"),)

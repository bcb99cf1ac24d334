"""Kaldi's data folders: Povey et al. (2011), "The Kaldi Speech Recognition Toolkit", ASRU;
kaldi-asr.org/doc/data_prep.html.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Pattern, SplitName
from seqspec.schema.types import Text, Type, Waveform
from seqspec.schema.units import Hertz


class KaldiConfig(AdapterConfig):
    """Read folders with ``wav.scp``, ``text`` and, where they are there, ``segments`` and ``utt2spk``.

    Entries of ``wav.scp`` must be audio files, below ``root`` or by their whole path.  Commands (``sox … |``)
    and archives with offsets are refused, and nothing is ever run.
    """

    language: Language
    """Language of the transcripts."""
    splits: Annotated[dict[SplitName, Pattern], Field(min_length=1)] = {
        "train": "data/train",
        "dev": "data/dev",
        "test": "data/test",
    }
    """Data folder of each split below ``root``; a path in ``wav.scp`` is whole, or below ``root`` as well."""
    rate: Hertz
    """Samples a second of the audio; a file of another rate is a bad row."""
    resample: bool = False
    """Resample audio of any rate to ``rate``."""
    channel: Literal["mean"] | Annotated[int, Field(ge=1, le=256)] | None = None
    """Channel, from 1, of recordings with several, or ``mean`` of all; left out, they are bad rows."""

    def roles(self) -> dict[str, Type]:
        return {"source": Waveform(self.rate), "target": Text(self.language)}

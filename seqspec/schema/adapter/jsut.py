"""JSUT 1.1: Sonobe, Takamichi and Saruwatari (2017), "JSUT corpus: free large-scale Japanese speech corpus",
arXiv:1711.00354.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import Download
from seqspec.schema.adapter._speech import SpeechConfig
from seqspec.schema.types import Text, Type, Waveform
from seqspec.schema.units import Count, Hertz

NATIVE_RATE = 48_000
Subset = Literal[
    "basic5000", "countersuffix26", "loanword128", "onomatopee300", "precedent130", "repeat500", "travel1000",
    "utparaphrase512", "voiceactress100",
]  # fmt: skip


class JsutConfig(SpeechConfig):
    """Read one Japanese speaker: ``jsut_ver1.1/<subset>/transcript_utf8.txt`` (``ID:text``) and
    ``<subset>/wav/<ID>.wav``.
    """

    subsets: Annotated[list[Subset], Field(min_length=1)] = ["basic5000"]
    """Folders that are read, in order."""
    test: Count = 250
    """Utterances at the head that are ``test``, as in ESPnet's recipe (its ``eval1``)."""
    dev: Count = 250
    """Utterances after these that are ``dev``; everything else is ``train``."""
    resample: Hertz | None = None
    """Samples a second that the audio is resampled to; left out, its own 48,000."""

    def roles(self) -> dict[str, Type]:
        return self.spoken(Waveform(self.resample or NATIVE_RATE), Text("ja"))

    def downloads(self) -> tuple[Download, ...]:
        return (Download("http://ss-takashi.sakura.ne.jp/corpus/jsut_ver1.1.zip", "2.7 GB"),)

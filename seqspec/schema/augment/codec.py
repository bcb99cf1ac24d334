"""Lossy transmission: recordings go through a codec of telephony or of the web, and back.

Valin, Vos and Terriberry (2012), "Definition of the Opus Audio Codec", RFC 6716, and ITU-T Recommendation
G.711 (1988), "Pulse code modulation (PCM) of voice frequencies", for what telephones and calls do to speech.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.augment._waveform import WaveformAugmentConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Type, Waveform
from seqspec.schema.units import Fraction, Hertz

Kind = Literal["mu_law", "a_law", "gsm", "opus", "vorbis", "mp3"]
RATES: dict[str, tuple[int, ...]] = {
    "opus": (8_000, 12_000, 16_000, 24_000, 48_000),
    "mp3": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
}
"""Samples a second that a codec can have, where not every number will do."""
SCALED = ("opus", "vorbis")
"""Codecs that can be told how much to leave out."""


class CodecConfig(WaveformAugmentConfig):
    """Encodes a recording and decodes it again (libsndfile); the number of samples stays."""

    kinds: Annotated[list[Kind], Field(min_length=1, max_length=6)] = ["mu_law"]
    """Codecs, one of which is drawn for each recording: 8 bits a sample on a logarithmic scale (``mu_law``,
    ``a_law``), GSM 06.10 full rate, Opus, Vorbis, MP3.
    """
    compression: Fraction | None = None
    """How much Opus and Vorbis leave out, from 0 (least) to 1; left out, the library's own."""
    sample_rate: Hertz | None = None
    """Samples a second on the way, such as 8,000 of a telephone; left out, the recording's own."""

    def output(self, source: Type) -> Type:
        given = super().output(source)
        assert isinstance(given, Waveform)
        rate = self.sample_rate or given.rate
        for index, kind in enumerate(self.kinds):
            allowed = RATES.get(kind, ())
            if allowed and rate not in allowed:
                near = min(allowed, key=lambda one: abs(one - rate))
                raise Mismatch(
                    f"`{kind}` has no form for {rate:,} samples a second",
                    at=("kinds", index) if self.sample_rate is None else ("sample_rate",),
                    help=f"write `sample_rate: {near}`",
                )
        if self.compression is not None and not set(self.kinds) & set(SCALED):
            message = "none of these codecs can be told how much to leave out"
            raise Mismatch(message, at=("compression",), help="leave it out, or add `opus` or `vorbis`")
        return given

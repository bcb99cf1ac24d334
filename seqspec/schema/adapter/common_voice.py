"""Common Voice: Ardila et al. (2020), "Common Voice: A Massively-Multilingual Speech Corpus", LREC,
arXiv:1912.06670.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Language, SplitName
from seqspec.schema.types import Text, Type, Waveform
from seqspec.schema.units import Hertz

Table = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
Tables = Table | Annotated[list[Table], Field(min_length=1)]


class CommonVoiceConfig(AdapterConfig):
    """Read a release: ``<language>/{train,dev,test,…}.tsv`` with the sentences and
    ``<language>/clips/*.mp3``.

    The corpus must be fetched by hand, because its licence is accepted in a form on commonvoice.mozilla.org.
    """

    language: Language
    """Language of the release and name of its folder below ``root``, which may also be that folder."""
    splits: Annotated[dict[SplitName, Tables], Field(min_length=1)] = {
        "train": "train",
        "dev": "dev",
        "test": "test",
    }
    """Tables of each split, without ``.tsv``; ``validated`` holds far more than ``train``, but also dev's and
    test's rows.
    """
    rate: Hertz = 16_000
    """Samples a second that every clip is resampled to; clips have 48,000 or 32,000."""

    def roles(self) -> dict[str, Type]:
        return {"source": Waveform(self.rate), "target": Text(self.language)}

"""Tatoeba: sentences and their translations, tatoeba.org, CC BY 2.0 FR; the weekly exports."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Download, Language
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type

Code = Annotated[str, Field(pattern=r"^[a-z]{3}$")]


class TatoebaConfig(AdapterConfig):
    """Read pairs from ``sentences.csv`` (id, three-letter language, text) and ``links.csv`` (id, id of its
    translation).

    There are no splits: everything is ``train``, and ``data.split`` cuts the others out.
    """

    source_language: Language
    """Language that the model reads."""
    source_code: Code
    """Tatoeba's three-letter code for it, such as ``jpn``."""
    target_language: Language
    """Language that the model learns to give."""
    target_code: Code
    """Tatoeba's three-letter code for it, such as ``eng``."""

    def roles(self) -> dict[str, Type]:
        if self.source_code == self.target_code:
            raise Mismatch(
                "both sides have one and the same language", at=("target_code",), help="name two languages"
            )
        return {"source": Text(self.source_language), "target": Text(self.target_language)}

    def downloads(self) -> tuple[Download, ...]:
        address = "https://downloads.tatoeba.org/exports/"
        return (
            Download(f"{address}sentences.tar.bz2", "200 MB"),
            Download(f"{address}links.tar.bz2", "140 MB"),
        )

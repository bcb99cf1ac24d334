"""Sentence pairs in two files, line by line: the plainest form of a translation corpus."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter_config import AdapterConfig, Language, Pattern, SplitName
from seqspec.schema.types import Text, Type


class BitextConfig(AdapterConfig):
    """Read pairs from ``<split>.<language>`` files with equally many lines; ``.gz``, ``.bz2`` and ``.xz`` are opened as they are."""

    source_language: Language
    """Language of the source side, also the ``{language}`` of its file names."""
    target_language: Language
    """Language of the target side, also the ``{language}`` of its file names."""
    splits: dict[SplitName, Pattern | list[Pattern]] = {"train": "train", "dev": "dev", "test": "test"}
    """What stands for ``{split}`` in the file names of each split; several are read one after the other."""
    template: Annotated[str, Field(pattern=r"^.*\{language\}.*$", max_length=1000)] = "{split}.{language}"
    """File names below ``root``; ``{split}`` and ``{language}`` are filled in, and ``*`` matches several files on both sides."""

    def roles(self) -> dict[str, Type]:
        return {"source": Text(self.source_language), "target": Text(self.target_language)}

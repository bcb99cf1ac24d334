"""Sentence pairs in two files, line by line: the plainest form of a translation corpus."""

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Pattern, Splits
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type


class BitextConfig(AdapterConfig):
    """Read pairs from ``<split>.<language>`` files with equally many lines; ``.gz``, ``.bz2`` and ``.xz`` are
    opened as they are.
    """

    source_language: Language
    """Language of the source side, also the ``{language}`` of its file names."""
    target_language: Language
    """Language of the target side, also the ``{language}`` of its file names."""
    splits: Splits = {
        "train": "train",
        "dev": "dev",
        "test": "test",
    }
    """What stands for ``{split}`` in the file names of each split; several are read one after the other."""
    template: Pattern = "{split}.{language}"
    """File names below ``root``; ``{split}`` and ``{language}`` are filled in, and ``*`` matches several
    files on both sides.
    """

    def roles(self) -> dict[str, Type]:
        for name in ("{split}", "{language}"):
            if name not in self.template:
                message = f"`template` must say where `{name}` stands in the file names"
                raise Mismatch(message, at=("template",), help="the default is `{split}.{language}`")
        return {"source": Text(self.source_language), "target": Text(self.target_language)}

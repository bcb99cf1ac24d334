"""Pairs of sentences with a label, as in GLUE: Wang et al. (2019), arXiv:1804.07461; and JGLUE: Kurihara et
al. (2022), LREC.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Splits
from seqspec.schema.adapter._table import Column
from seqspec.schema.types import Classes, Text, Type, Unknown


class SentencePairsConfig(AdapterConfig):
    """Read two text columns and a label from TSV (quotation marks mean nothing) or JSON lines, told apart by
    the files' names.

    The source is both sentences with ``separator`` between them.
    """

    language: Language
    """Language of both sentences."""
    splits: Splits = {"train": "train.tsv", "dev": "dev.tsv"}
    """Files of each split below ``root``; ``.json`` and ``.jsonl`` hold an object a line, anything else is
    TSV with a header.
    """
    first: Column = "sentence1"
    """Column of the first sentence."""
    second: Column = "sentence2"
    """Column of the second sentence."""
    label: Column = "label"
    """Column of the class."""
    separator: Annotated[str, Field(min_length=1, max_length=40)] = " ||| "
    """What stands between the sentences."""
    unlabelled: Literal["-"] | None = None
    """Label of rows that annotators did not agree on (``-`` in SNLI and MultiNLI); they are left out."""

    def roles(self) -> dict[str, Type]:
        return {"source": Text(self.language), "target": Classes(Unknown("data.target.classes"))}

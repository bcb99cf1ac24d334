"""Plain text for language models: one example a line, or one long text that is cut by fractions."""

from __future__ import annotations

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from seqspec.schema.adapter_config import AdapterConfig, Language, Pattern, SplitName
from seqspec.schema.types import Text, Type
from seqspec.schema.units import Fraction, Positive


class LinesConfig(AdapterConfig):
    """Read text files line by line, a file or several a split; or, with ``cut``, one contiguous text."""

    language: Language
    """Language of the text."""
    splits: dict[SplitName, Pattern | list[Pattern]] = {
        "train": "train.txt",
        "dev": "dev.txt",
        "test": "test.txt",
    }
    """Files of each split, read one after the other; with ``cut``, the whole text stands under ``train``."""
    cut: dict[SplitName, Fraction] | None = None
    """Shares of one contiguous text, in code points, in the order train, dev, test: ``{train: 0.9, dev: 0.1}``."""
    block: Positive = 16_384
    """Code points of one record of a contiguous text; joined without anything between, the records are the text."""

    @model_validator(mode="after")
    def _cut_whole(self) -> LinesConfig:
        if self.cut is not None and abs(sum(self.cut.values()) - 1) > 1e-9:
            raise PydanticCustomError(
                "shares_sum",
                "the shares of `cut` add up to {total}, not 1",
                {"total": sum(self.cut.values())},
            )
        return self

    def roles(self) -> dict[str, Type]:
        return {"target": Text(self.language)}

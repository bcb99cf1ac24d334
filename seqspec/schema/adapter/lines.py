"""Plain text for language models: one example a line, or one long text that is cut by fractions."""

from seqspec.schema.adapter._adapter import AdapterConfig, Language, SplitName, Splits
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type
from seqspec.schema.units import Fraction, Positive


class LinesConfig(AdapterConfig):
    """Read text files line by line, a file or several a split; or, with ``cut``, one contiguous text."""

    language: Language
    """Language of the text."""
    splits: Splits = {
        "train": "train.txt",
        "dev": "dev.txt",
        "test": "test.txt",
    }
    """Files of each split, read one after the other; with ``cut``, the whole text stands under ``train``."""
    cut: dict[SplitName, Fraction] | None = None
    """Shares of one contiguous text, in code points, in the order train, dev, test: ``{train: 0.9, dev:
    0.1}``.
    """
    block: Positive = 16_384
    """Code points of one record of a contiguous text; joined without anything between, the records are the
    text.
    """

    def roles(self) -> dict[str, Type]:
        if self.cut is not None and abs(sum(self.cut.values()) - 1) > 1e-9:
            total = sum(self.cut.values())
            raise Mismatch(
                f"the shares of `cut` add up to {total:g}, not to 1", at=("cut",), help="change one of them"
            )
        if self.cut is not None and "train" not in self.splits:
            raise Mismatch(
                "`cut` needs to know the text that it cuts",
                at=("cut",),
                help="name it as `splits: {train: FILE}`",
            )
        if self.cut is None and "block" in self.model_fields_set:
            message = "lines are records, and nothing reads `block` without `cut`"
            raise Mismatch(message, at=("block",), help="take it out, or say `cut` as well")
        return {"target": Text(self.language)}

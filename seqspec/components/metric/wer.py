"""Word error rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import Compared, segmenter_name, signature
from seqspec.components.metric._edits import Edits, count_edits, error_rate
from seqspec.schema.metric.wer import WerConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Wer:
    """Errors over reference words, as a fraction."""

    reads = "text"
    better = "lower"

    def __init__(self, config: WerConfig, takes: Mapping[str, Type], parts: Any) -> None:
        self._compared = Compared(tuple(parts.list("normalize")), config.punctuation)
        self._segmenter = parts("segment")
        self._edits = Edits()

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair."""
        self._edits += count_edits(self.units(hypothesis), self.units(reference))

    def compute(self) -> dict[str, float]:
        """``wer`` and the rates of each kind of error."""
        return self._edits.rates("wer")

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[Edits]:
        """The edits of each example."""
        pairs = zip(hypotheses, references, strict=True)
        return [count_edits(self.units(hypothesis), self.units(reference)) for hypothesis, reference in pairs]

    def score_of(self, sums: Sequence[float]) -> float:
        """``wer`` of summed edits."""
        return error_rate(sums)

    def signature(self) -> str:
        """What decides the score."""
        return signature(
            [
                ("metric", "wer"),
                ("words", segmenter_name(self._segmenter)),
                ("normalize", self._compared.names()),
                ("punctuation", self._compared.punctuation),
            ]
        )

    def units(self, text: str) -> list[str]:
        """What is counted: the words of a text as they are compared."""
        text = self._compared(text)
        return text.split() if self._segmenter is None else self._segmenter.words(text)

"""Character error rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import Compared, signature
from seqspec.components.metric._edits import Edits, count_edits, error_rate
from seqspec.schema.metric.cer import CerConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Cer:
    """Errors over reference characters, as a fraction."""

    reads = "text"
    better = "lower"

    def __init__(self, config: CerConfig, takes: Mapping[str, Type], parts: Any) -> None:
        self._compared = Compared(tuple(parts.list("normalize")), config.punctuation)
        self._unit, self._spaces = config.unit, config.spaces
        self._edits = Edits()

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair."""
        self._edits += count_edits(self.units(hypothesis), self.units(reference))

    def compute(self) -> dict[str, float]:
        """``cer`` and the rates of each kind of error."""
        return self._edits.rates("cer")

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[Edits]:
        """The edits of each example."""
        pairs = zip(hypotheses, references, strict=True)
        return [count_edits(self.units(one), self.units(reference)) for one, reference in pairs]

    def score_of(self, sums: Sequence[float]) -> float:
        """``cer`` of summed edits."""
        return error_rate(sums)

    def signature(self) -> str:
        """What decides the score."""
        return signature(
            [
                ("metric", "cer"),
                ("unit", self._unit),
                ("spaces", self._spaces),
                ("normalize", self._compared.names()),
                ("punctuation", self._compared.punctuation),
            ]
        )

    def units(self, text: str) -> Sequence[str]:
        """What is counted: the characters of a text as they are compared."""
        text = self._compared(text)
        if self._spaces == "strip":
            text = "".join(text.split())
        if self._unit == "code_point":
            return text
        import regex

        return list(regex.findall(r"\X", text))

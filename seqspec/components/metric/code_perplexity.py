"""How evenly the codes of a table are used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.code_perplexity import CodePerplexityConfig
from seqspec.schema.types import Type


class CodePerplexity:
    """Codes are counted over the whole split."""

    reads = "model"
    better = "higher"

    def __init__(self, config: CodePerplexityConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._counts: Counter[int] = Counter()

    def examine(self, model: Any, batch: Any) -> Sequence[tuple[Counter[int]]]:
        """How often each code stands in an example."""
        return [(Counter(row),) for row in model.codes(batch).flatten(1).tolist()]

    def update(self, counts: Counter[int]) -> None:
        """Count one example."""
        self._counts.update(counts)

    def compute(self) -> dict[str, float]:
        """``code_perplexity`` and ``codes_used``."""
        total = self._counts.total()
        entropy = -math.fsum(n / total * math.log(n / total) for n in self._counts.values()) if total else 0.0
        return {"code_perplexity": math.exp(entropy), "codes_used": float(len(self._counts))}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "code_perplexity"), ("counted", "split")])

"""Share of hypotheses that equal their reference."""

from __future__ import annotations

from seqspec.components.metric._compared import signature
from seqspec.components.metric._right import ShareRight


class SequenceAccuracy(ShareRight):
    """Exact match."""

    name = "sequence_accuracy"
    reads = "text"

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", self.name), ("normalize", "none")])

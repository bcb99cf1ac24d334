"""Share of labels that are right."""

from __future__ import annotations

from seqspec.components.metric._compared import signature
from seqspec.components.metric._right import ShareRight


class Accuracy(ShareRight):
    """Labels compared by name."""

    name = "accuracy"
    reads = "labels"

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", self.name)])

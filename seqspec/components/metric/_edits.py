"""Edit distance with its parts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple


class Edits(NamedTuple):
    """Edits that turn a hypothesis into its reference, and the reference's length."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    units: int = 0

    @property
    def total(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    def __add__(self, other: object) -> Edits:
        if not isinstance(other, Edits):
            return NotImplemented
        return Edits(*(mine + yours for mine, yours in zip(self, other, strict=True)))

    def rates(self, name: str) -> dict[str, float]:
        """The error rate under ``name`` and its parts.  Without reference units, each unit of a hypothesis is
        one error.
        """
        units = max(self.units, 1)
        return {
            name: self.total / units,
            f"{name}_substitutions": self.substitutions / units,
            f"{name}_deletions": self.deletions / units,
            f"{name}_insertions": self.insertions / units,
        }


def count_edits(hypothesis: Sequence[Hashable], reference: Sequence[Hashable]) -> Edits:
    """The fewest edits between two sequences (Levenshtein), by rapidfuzz."""
    from rapidfuzz.distance import Levenshtein

    kinds = [edit.tag for edit in Levenshtein.editops(hypothesis, reference)]
    # ``editops`` turns the hypothesis into the reference: what it inserts was missing, in scoring a deletion.
    return Edits(kinds.count("replace"), kinds.count("insert"), kinds.count("delete"), len(reference))


def error_rate(sums: Sequence[float]) -> float:
    """Edits to a unit of the reference, of summed ``Edits``."""
    *edits, units = sums
    return float(sum(edits)) / max(float(units), 1.0)

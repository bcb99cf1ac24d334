"""What a run has learned from its training split: vocabularies, class names and statistics.

Whoever uses a run takes these from its directory.  They are learned once; learned again from files that
have changed in the meantime, the same ids would mean other symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seqspec.data.stages.normalize import Statistics
from seqspec.schema.diagnostic import DataError


@dataclass(frozen=True)
class Learned:
    """Everything that preparation would otherwise learn from the training split."""

    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    """What each trained tokenizer learned, by the tokenizer's place in the experiment."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the classes by role."""
    label_counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Training records of each class by role; older runs have not kept them."""
    statistics: Mapping[str, Statistics] = field(default_factory=dict)
    """Mean and variance of the training split by kind, where the spec normalises by them."""

    def artifact(self, tokenizer: str) -> bytes:
        """What a tokenizer learned; raises ``DataError`` where the run has none of that name."""
        try:
            return self.artifacts[tokenizer]
        except KeyError:
            raise _unknown(f"vocabulary of `{tokenizer}`") from None

    def names(self, role: str) -> tuple[str, ...]:
        """The classes of a role in the order of their numbers."""
        try:
            return self.labels[role]
        except KeyError:
            raise _unknown(f"classes of `{role}`") from None

    def moments(self, kind: str) -> Statistics:
        """Mean and variance of ``audio`` or ``image``."""
        try:
            return self.statistics[kind]
        except KeyError:
            raise _unknown(f"statistics of {kind} over its training split") from None


def _unknown(what: str) -> DataError:
    return DataError(
        f"the run directory holds no {what}",
        help="where --set asks for more than the run has learned, leave it out; else the directory is not "
        "whole: copy it again, or train a new run",
    )

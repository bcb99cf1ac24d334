"""Inputs without a prediction, told together: by reason, each with the first of its kind."""

from __future__ import annotations

from dataclasses import dataclass, field

from seqspec.data.corpus.record import without_details
from seqspec.schema.diagnostic import DataError

MOST_TOLD = 5
"""Reasons that are told at the end."""


@dataclass
class FailedInputs:
    """Counts while predictions are written."""

    failed: int = 0
    firsts: dict[str, DataError] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, error: DataError) -> None:
        """Note one input that has none."""
        reason = without_details(error.message)
        self.failed += 1
        self.firsts.setdefault(reason, error)
        self.counts[reason] = self.counts.get(reason, 0) + 1

    def error(self, count: int) -> DataError:
        """What is wrong with them, of ``count`` inputs."""
        told = list(self.firsts)[:MOST_TOLD]
        named = "; ".join(self._named(reason) for reason in told)
        more = "; …" if len(self.firsts) > MOST_TOLD else ""
        return DataError(
            f"{self.failed:,} of {count:,} inputs have no prediction: {named}{more}", help=self._help(told)
        )

    def _named(self, reason: str) -> str:
        more = self.counts[reason] - 1
        return str(self.firsts[reason]) + (f", and {more:,} more like it" if more else "")

    def _help(self, told: list[str]) -> str | None:
        """The remedy of each reason that has one; where there are several, each names its input."""
        given = [self.firsts[reason] for reason in told if self.firsts[reason].help]
        if len(self.firsts) == 1 or not given:
            remedies = [str(error.help) for error in given]
        else:
            remedies = [f"{error.file}: {error.help}" if error.file else str(error.help) for error in given]
        if self.failed > len(told):
            remedies.append("`--format jsonl` says of each input why")
        return "; ".join(remedies) or None

"""Rows that are left out: counted by reason, with a few examples of each, and never more than the spec
allows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from seqspec.data.corpus.record import without_details
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    from seqspec.schema.data import OnError

EXAMPLES = 5


@dataclass
class Drops:
    """Counts while a stage runs; ``state`` goes into the store."""

    policy: Literal["fail"] | OnError
    what: str
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    corpus: str = ""

    @classmethod
    def load(
        cls, state: dict[str, Any] | None, policy: Literal["fail"] | OnError, *, what: str, corpus: str = ""
    ) -> Drops:
        """Go on where an interrupted stage stopped."""
        state = state or {}
        return cls(policy, what, dict(state.get("counts", {})), dict(state.get("examples", {})), corpus)

    def add(
        self,
        reason: str,
        *,
        file: str = "",
        row: int | None = None,
        byte: int | None = None,
        remedy: str | None = None,
    ) -> None:
        """Note one bad row, or raise ``DataError`` where the spec says ``on_error: fail``."""
        if self.policy == "fail":
            first = remedy or "mend the row"
            help = f"{first}, or allow some to be left out: `on_error: {{drop: 0.001}}` under `data`"
            raise DataError(reason, corpus=self.corpus, file=file, row=row, byte=byte, help=help)
        reason = without_details(reason)
        self.counts[reason] = self.counts.get(reason, 0) + 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(":".join(str(part) for part in (file, row) if part not in ("", None)))

    def judge(self, rows: int) -> None:
        """Raise ``DataError`` where more of ``rows`` were left out than the spec allows."""
        dropped = sum(self.counts.values())
        if self.policy == "fail" or not dropped or dropped <= self.policy.drop * rows:
            return
        worst = max(self.counts, key=lambda reason: self.counts[reason])
        place = next(iter(self.examples.get(worst, [])), "")
        raise DataError(
            f"{dropped:,} of {rows:,} {self.what} cannot be used, more than the {self.policy.drop:.2%} that "
            f"`on_error` allows; most often: {worst}",
            corpus=self.corpus,
            file=place,
            help="look at the rows named here, or raise `data.on_error.drop`",
        )

    def state(self) -> dict[str, Any]:
        """As plain data."""
        return {"counts": self.counts, "examples": self.examples}

"""Rows that are left out: counted by reason, with a few examples of each, and never more than the spec
allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from seqspec.data.corpus.record import without_details
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    from seqspec.schema.sections.data import OnError

EXAMPLES = 5
MOST_DROPPED = 0.1
"""A larger share of bad rows is no matter of leaving some out."""
LOOK_ON = 100_000
"""Rows that are read on behind the first bad one, so that the message can say how many there are."""


@dataclass(frozen=True)
class BadRows:
    """Rows that are bad for one reason, with the first of them."""

    reason: str
    count: int
    file: str = ""
    row: int | None = None
    byte: int | None = None
    remedy: str = ""

    def error(self, *, rows: int, bad: int, corpus: str, code: str = "SQ400") -> DataError:
        """The error for these, where ``bad`` of ``rows`` rows are bad for whatever reason."""
        message, remedy = self.reason, self.remedy or "fix the row"
        if rows > 1 and self.count == rows:
            message = f"{self.reason} ({rows:,} rows like this, all that were read)"
            remedy = self.remedy or "look whether this is the file, and the column, that the spec means"
        elif self.count > 1:
            message = f"{self.reason} ({self.count:,} rows like this, of {rows:,})"
            remedy = self.remedy or "fix the rows"
        help = f"{remedy}{leave_out(bad, rows)}"
        return DataError(
            message, corpus=corpus, file=self.file, row=self.row, byte=self.byte, help=help, code=code
        )


def leave_out(bad: int, rows: int) -> str:
    """How the spec leaves ``bad`` of ``rows`` rows out, to go on behind another remedy; nothing where they
    are too many for that.
    """
    share = enough(bad, rows)
    if share is None:
        return ""
    return f", or leave such rows out, which are then counted: `on_error: {{drop: {share}}}` under `data`"


def enough(bad: int, rows: int) -> float | None:
    """The least share with one digit that covers ``bad`` of ``rows``; none where that is too large."""
    share = bad / rows if rows else 1.0
    if share > MOST_DROPPED:
        return None
    unit = 10.0 ** math.floor(math.log10(share))
    return float(f"{math.ceil(share / unit - 1e-9) * unit:.6g}")


@dataclass
class Drops:
    """Counts while a stage runs; ``state`` goes into the store."""

    policy: Literal["fail"] | OnError
    what: str
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    corpus: str = ""
    counts_on: bool = False
    """Where the spec says ``on_error: fail``: read on, so that the message can say how many rows are bad."""
    firsts: dict[str, BadRows] = field(default_factory=dict)
    first_at: int = 0

    @classmethod
    def load(
        cls,
        state: dict[str, Any] | None,
        policy: Literal["fail"] | OnError,
        *,
        what: str,
        corpus: str = "",
        counts_on: bool = False,
    ) -> Drops:
        """Go on where an interrupted stage stopped."""
        state = state or {}
        counts, examples = dict(state.get("counts", {})), dict(state.get("examples", {}))
        return cls(policy, what, counts, examples, corpus, counts_on)

    @property
    def refuses(self) -> bool:
        """Whether a bad row was seen that the spec does not allow."""
        return self.policy == "fail" and bool(self.counts)

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
        if self.policy == "fail" and not self.counts_on:
            help = f"{remedy or 'fix the row'}, or leave bad rows out up to a share: `data.on_error`"
            raise DataError(reason, corpus=self.corpus, file=file, row=row, byte=byte, help=help)
        written, reason = reason, without_details(reason)
        self.firsts.setdefault(reason, BadRows(written, 0, file, row, byte, remedy or ""))
        self.counts[reason] = self.counts.get(reason, 0) + 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(":".join(str(part) for part in (file, row) if part not in ("", None)))

    def refuse_early(self, rows: int) -> None:
        """Raise ``DataError`` where ``rows`` rows are enough to tell what is wrong."""
        if not self.refuses:
            return
        self.first_at = self.first_at or rows
        if sum(self.counts.values()) == rows or rows >= self.first_at + LOOK_ON:
            raise self._refusal(rows)

    def check(self, rows: int) -> None:
        """Raise ``DataError`` where more of ``rows`` were left out than the spec allows."""
        if self.refuses:
            raise self._refusal(rows)
        dropped = sum(self.counts.values())
        if self.policy == "fail" or not dropped or dropped <= self.policy.drop * rows:
            return
        worst = max(self.counts, key=lambda reason: self.counts[reason])
        place = next(iter(self.examples.get(worst, [])), "")
        share = enough(dropped, rows)
        raise DataError(
            f"{dropped:,} of {rows:,} {self.what} cannot be used, more than the {self.policy.drop:.2%} that "
            f"`on_error` allows; most often: {worst}",
            corpus=self.corpus,
            file=place,
            help="look at the rows named here"
            + (f", or raise `data.on_error.drop` to {share}" if share is not None else ""),
        )

    def _refusal(self, rows: int) -> DataError:
        worst = max(self.counts, key=lambda reason: self.counts[reason])
        bad = sum(self.counts.values())
        return replace(self.firsts[worst], count=self.counts[worst]).error(
            rows=rows, bad=bad, corpus=self.corpus
        )

    def state(self) -> dict[str, Any]:
        """As plain data."""
        return {"counts": self.counts, "examples": self.examples}

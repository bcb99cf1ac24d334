"""Hypothesis and reference side by side: the fewest edits between them (Levenshtein), by words where texts
have spaces, else by characters.  Case makes no difference here; metrics say themselves whether it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seqspec.pages.markup import Markup, escape

MOST_UNITS = 400
"""Words or characters of a text that are shown."""


class Pair(NamedTuple):
    """Edits of one example."""

    edits: int
    units: int
    """Words or characters of the reference."""

    @property
    def rate(self) -> float:
        """Edits to a unit of the reference."""
        return self.edits / max(self.units, 1)


class Piece(NamedTuple):
    """A stretch of the alignment."""

    kind: str
    """``equal``, ``replace``, ``delete`` (only in the reference) or ``insert`` (only in the hypothesis)."""
    reference: Sequence[str]
    hypothesis: Sequence[str]


def by_words(references: Sequence[str]) -> bool:
    """Whether most texts of several characters have spaces."""
    longer = [text for text in references if len(text) > 8] or references
    return 2 * sum(" " in text.strip() for text in longer) >= len(longer)


def units(text: str, *, words: bool) -> list[str]:
    """Words, or characters."""
    return text.split() if words else list(text)


def errors(reference: str, hypothesis: str, *, words: bool) -> Pair:
    """How many edits there are."""
    from rapidfuzz.distance import Levenshtein

    a, b = (units(text.casefold(), words=words) for text in (reference, hypothesis))
    return Pair(Levenshtein.distance(a, b), len(a))


def align(reference: str, hypothesis: str, *, words: bool) -> Iterator[Piece]:
    """Both texts from the left to the right; equal stretches and each kind of edit are kept together."""
    from rapidfuzz.distance import Levenshtein

    a, b = (units(text, words=words)[:MOST_UNITS] for text in (reference, hypothesis))
    low_a, low_b = ([one.casefold() for one in side] for side in (a, b))
    for step in Levenshtein.opcodes(low_a, low_b):
        kept_a, kept_b = a[step.src_start : step.src_end], b[step.dest_start : step.dest_end]
        if step.tag == "replace":  # each in a column of its own, so that who stands for whom is seen
            yield from (Piece("replace", [x], [y]) for x, y in zip(kept_a, kept_b, strict=True))
        else:
            yield Piece(step.tag, kept_a, kept_b)


def side_by_side(reference: str, hypothesis: str, *, words: bool) -> Markup:
    """Columns with the reference above and the hypothesis below, only where they differ."""
    join = " " if words else ""
    columns = []
    for piece in align(reference, hypothesis, words=words):
        above, below = escape(join.join(piece.reference)), escape(join.join(piece.hypothesis))
        match piece.kind:
            case "equal":
                columns.append(f"<span class=same>{escape(join.join(piece.hypothesis))}</span>")
            case _:
                first = f"<del>{above}</del>" if above else "<i>·</i>"
                second = f"<ins>{below}</ins>" if below else "<i>·</i>"
                columns.append(f"<span>{first}{second}</span>")
    kind = "aligned" if words else "aligned letters"
    return Markup(f'<div class="{kind}">{"".join(columns)}</div>')

"""Text that remembers where it came from: for each code point, its half-open span in the raw string."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aligned:
    """Changed text; ``spans[i]`` is the part of the text before that code point ``i`` came from.

    Spans never go backwards, but may overlap: the four letters of ``株式会社`` all come from the one ``㍿``.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    size: int
    """Code points of the text before."""

    def then(self, after: Aligned) -> Aligned:
        """One change and then ``after``, as one."""
        if after.size != len(self.text):
            raise ValueError(
                f"an alignment of {after.size} code points cannot follow a text of {len(self.text)}"
            )
        spans = tuple(self.raw_span(start, end) for start, end in after.spans)
        return Aligned(after.text, spans, self.size)

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The part of the text before that the code points from ``start`` to ``end`` came from."""
        if start < end:
            return self.spans[start][0], max(self.spans[end - 1][1], self.spans[start][0])
        at = self.spans[start][0] if start < len(self.spans) else self.size
        return at, at


def identity(text: str) -> Aligned:
    """Unchanged text."""
    return Aligned(text, tuple((i, i + 1) for i in range(len(text))), len(text))


def rewrite(text: str, edits: Iterable[tuple[int, int, str]]) -> Aligned:
    """``text`` with each ``(start, end, replacement)`` put in, in order and without overlap.

    A replacement of the same length stands for its part letter by letter; of another length, each letter for
    the whole part.
    """
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    position = 0
    for start, end, replacement in edits:
        pieces += (text[position:start], replacement)
        spans += ((i, i + 1) for i in range(position, start))
        same = len(replacement) == end - start
        spans += ((start + i, start + i + 1) if same else (start, end) for i in range(len(replacement)))
        position = end
    pieces.append(text[position:])
    spans += ((i, i + 1) for i in range(position, len(text)))
    return Aligned("".join(pieces), tuple(spans), len(text))

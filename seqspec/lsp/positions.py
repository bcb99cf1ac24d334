"""Offsets in code points, as spans have them, and positions in the units that an editor counts in.

An editor counts columns in UTF-16 code units unless it agrees to something else (Language Server Protocol
3.17, "Position Encoding Kind"), so an emoji before the caret counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol.types import Position, PositionEncodingKind, Range

from seqspec.schema.source import Source, Span


@dataclass(frozen=True, slots=True)
class Ruler:
    """Converts places of one text."""

    source: Source
    encoding: PositionEncodingKind | str = PositionEncodingKind.Utf16

    def position(self, offset: int) -> Position:
        """Line and column, both from 0, of an offset."""
        line, column = self.source.position(min(max(offset, 0), len(self.source.text)))
        return Position(line - 1, self._units(self.source.line(line)[: column - 1]))

    def range(self, span: Span) -> Range:
        """The range of a span, one character wide at least, so that an editor can underline it."""
        end = span.end
        if end <= span.start and self.source.text[span.start : span.start + 1] not in ("", "\n", "\r"):
            end = span.start + 1
        return Range(self.position(span.start), self.position(end))

    def offset(self, position: Position) -> int:
        """The offset of a position; one beyond the end of its line means the end."""
        starts = _starts(self.source)
        if position.line >= len(starts):
            return len(self.source.text)
        text = self.source.line(position.line + 1)
        return starts[position.line] + self._points(text, position.character)

    def _units(self, text: str) -> int:
        match self.encoding:
            case PositionEncodingKind.Utf32:
                return len(text)
            case PositionEncodingKind.Utf8:
                return len(text.encode("utf-8", "surrogatepass"))
        return len(text.encode("utf-16-le", "surrogatepass")) // 2

    def _points(self, text: str, units: int) -> int:
        """Code points that ``units`` of the editor's units cover."""
        for points in range(len(text) + 1):
            if self._units(text[:points]) >= units:
                return points
        return len(text)


def _starts(source: Source) -> list[int]:
    return [0, *(at + 1 for at, char in enumerate(source.text) if char == "\n")]

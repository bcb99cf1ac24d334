"""For people: what, where, the line with a caret, and the remedy.  At most eight lines a diagnostic."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from seqspec.compile.diagnostics.codes import titled
from seqspec.schema.diagnostic import Diagnostic, Label
from seqspec.schema.source import Span, dotted

MOST_SHOWN = 20
MOST_LINES = 8
MOST_WIDTH = 100
"""Columns of a source line that are shown; of a longer one, a window around the place."""

MOST_PROFILES = 4
"""Names of profiles that are listed beside a place."""

_COLORS = {"error": "1;31", "warning": "1;33", "note": "1;36", "gutter": "34", "help": "32", "bold": "1"}


def text(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """The first twenty in full, then how many more there are."""
    shown = [_diagnostic(d, _Paint(color)) for d in diagnostics[:MOST_SHOWN]]
    left = len(diagnostics) - len(shown)
    if left > 0:
        shown.append(f"… and {left} more\n")
    return "\n".join(shown)


class _Paint:
    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, kind: str, text: str) -> str:
        return f"\x1b[{_COLORS[kind]}m{text}\x1b[0m" if self.color else text


def _diagnostic(d: Diagnostic, paint: _Paint) -> str:
    head = paint(d.severity, f"{d.severity}[{titled(d.code)}]") + paint("bold", f": {escape(d.message)}")
    lines = [head]
    number = max((str(s.line) for s in _spans(d)), key=len, default="")
    gutter = " " * len(number)
    if d.span is not None:
        lines += _place(d, d.span, gutter, paint, room=MOST_LINES - 1 - bool(d.help) - bool(d.note))
    if d.note:
        lines.append(f"{gutter} {paint('gutter', '=')} note: {escape(d.note)}")
    if d.help:
        lines.append(
            f"{gutter} {paint('gutter', '=')} {paint('help', 'help')}: {escape(d.help)}{_fixable(d)}"
        )
    return "\n".join(lines) + "\n"


def _spans(d: Diagnostic) -> list[Span]:
    spans = [d.span] if d.span else []
    return spans + [label.span for label in d.labels if d.span and label.span.source is d.span.source]


def _fixable(d: Diagnostic) -> str:
    if d.fix is None:
        return ""
    return f"   (`seqspec validate {'--fix' if d.fix.safe else '--unsafe-fixes'}` can change it)"


def _place(d: Diagnostic, span: Span, gutter: str, paint: _Paint, *, room: int) -> list[str]:
    path = f"  {escape(dotted(d.path))}" if d.path else ""
    under = f"  {escape(words)}" if (words := in_profiles(d)) else ""
    lines = [f"{gutter}{paint('gutter', '-->')} {escape(str(span))}{path}{under}"]
    if not span.source.text:
        return lines
    body = _snippet(span, gutter, paint, mark="^")
    for label in d.labels:
        body += _label(label, span, gutter, paint, room=room - len(lines) - len(body))
    if len(lines) + len(body) < room:
        lines.append(f"{gutter} {paint('gutter', '|')}")
    return lines + body


def in_profiles(d: Diagnostic) -> str:
    """``in profile tiny``; nothing where the spec itself is wrong."""
    if not d.profiles:
        return ""
    first, left = d.profiles[:MOST_PROFILES], len(d.profiles) - MOST_PROFILES
    more = f" and {left} more" if left > 0 else ""
    return f"in profile{'s' if len(d.profiles) > 1 else ''} {', '.join(first)}{more}"


def _label(label: Label, main: Span, gutter: str, paint: _Paint, *, room: int) -> list[str]:
    if room <= 0:
        return []
    if label.span.source is main.source:
        own = _snippet(label.span, gutter, paint, mark="-", words=label.text)
        # Of a long line each place may have a window of its own, and marks fit below their own only.
        if own[0] == _snippet(main, gutter, paint, mark="^")[0]:
            return own[1:]
        if room >= 2:
            return own
    return [f"{gutter}{paint('gutter', ':::')} {escape(str(label.span))}: {escape(label.text)}"]


def _snippet(span: Span, gutter: str, paint: _Paint, *, mark: str, words: str = "") -> list[str]:
    """The line that holds ``span`` and the marks below it."""
    line = span.source.line(span.line)
    start = span.column - 1
    end = min(max(start + span.end - span.start, start + 1), max(len(line), start + 1))
    shown, before, under = _window(line, start, end)
    number = paint("gutter", f"{str(span.line).rjust(len(gutter))} |")
    color = "error" if mark == "^" else "gutter"
    marks = paint(color, mark * under + (f" {escape(words)}" if words else ""))
    return [f"{number} {shown}".rstrip(), f"{gutter} {paint('gutter', '|')} {' ' * before}{marks}"]


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """What is shown of a line, the columns before the marks, and the columns that the marks take."""
    cells = [_cell(char) for char in line]
    widths = [width(cell) for cell in cells]
    first, last = 0, len(cells)
    if sum(widths) > MOST_WIDTH:
        first = max(0, start - MOST_WIDTH // 3)
        last = first
        room = MOST_WIDTH
        while last < len(cells) and room >= widths[last]:
            room -= widths[last]
            last += 1
    left = "…" if first else ""
    shown = left + "".join(cells[first:last]) + ("…" if last < len(cells) else "")
    before = len(left) + sum(widths[first:start])
    return shown, before, max(1, sum(widths[start : min(end, last)]))


def width(text: str) -> int:
    """Columns that ``text`` takes in a terminal: wide and full-width East-Asian characters take two, marks
    none.
    """
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cell(char: str) -> str:
    return " " if char == "\t" else escape(char)


def escape(text: str) -> str:
    """``text`` with control, bidirectional and other invisible characters written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\u3000" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )

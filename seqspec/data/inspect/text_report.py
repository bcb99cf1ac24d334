"""An inspection as text for a terminal."""

from __future__ import annotations

import textwrap

from seqspec.data.inspect.finding import Finding, Verdict
from seqspec.data.inspect.inspection import Inspection

COLORS: dict[Verdict, str] = {"error": "31;1", "warn": "33;1", "info": "36", "ok": "32", "accepted": "2"}
WIDTH = 110
MOST_EXAMPLES = 5
COUNTED: tuple[tuple[Verdict, str], ...] = (
    ("error", "errors"),
    ("warn", "warnings"),
    ("info", "notes"),
    ("ok", "ok"),
)


def as_text(inspection: Inspection, *, color: bool = False) -> str:
    """One paragraph a finding, the gravest verdicts counted at the end."""
    lines = [line for finding in inspection.findings for line in _paragraph(finding, color)]
    counts = ", ".join(f"{inspection.count(verdict)} {word}" for verdict, word in COUNTED)
    return "\n".join([*lines, f"{inspection.name}: {counts}"]) + "\n"


def visible(text: str) -> str:
    """Text with control characters and direction marks escaped, so that no corpus can write to the
    terminal.
    """
    return "".join(c if c.isprintable() or c == " " else c.encode("unicode_escape").decode() for c in text)


def _paragraph(finding: Finding, color: bool) -> list[str]:
    word = f"{finding.verdict:<8}"
    mark = f"\x1b[{COLORS[finding.verdict]}m{word}\x1b[0m" if color else word
    body = textwrap.wrap(visible(finding.message), WIDTH - 13) or [""]
    lines = [f"{finding.check} {mark} {body[0]}", *(f"{'':13}{line}" for line in body[1:])]
    shown = finding.examples[:MOST_EXAMPLES] if finding.verdict in ("error", "warn", "info") else ()
    lines += [f"{'':13}· {visible(example)}" for example in shown]
    if finding.advice:
        lines += [f"{'':13}{line}" for line in textwrap.wrap(f"→ {finding.advice}", WIDTH - 13)]
    return lines

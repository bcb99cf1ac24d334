"""One line a diagnostic, ``path:line:column: SQ101 message``: for editors, ``grep`` and people in a hurry."""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.compile.diagnostics.formats.text import escape, in_profiles
from seqspec.schema.diagnostic import Diagnostic


def write(diagnostics: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """All of them; none is left out."""
    return "".join(_line(d) for d in diagnostics)


def _line(d: Diagnostic) -> str:
    place = f"{d.span}: " if d.span else ""
    under = f", {words}" if (words := in_profiles(d)) else ""
    help = f" ({d.help})" if d.help else ""
    return escape(f"{place}{d.severity}: {d.code} {d.message}{under}{help}") + "\n"

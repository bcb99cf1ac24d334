"""Workflow commands of GitHub Actions: each diagnostic becomes an annotation on its line.

GitHub shows about ten errors and ten warnings a step, so errors come first and a summary closes the list.
"""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.compile.diagnostics.codes import titled
from seqspec.compile.diagnostics.formats.text import escape, in_profiles
from seqspec.schema.diagnostic import Diagnostic

_COMMAND = {"error": "error", "warning": "warning", "note": "notice"}


def write(diagnostics: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """Errors first."""
    by_weight = sorted(diagnostics, key=lambda d: list(_COMMAND).index(d.severity))
    lines = [_annotation(d) for d in by_weight]
    if lines:
        errors = sum(d.severity == "error" for d in diagnostics)
        lines.append(f"seqspec: {_times(errors, 'error')} in {_times(len(diagnostics), 'diagnostic')}")
    return "".join(f"{line}\n" for line in lines)


def _annotation(d: Diagnostic) -> str:
    properties = {"title": titled(d.code)}
    if d.span is not None and not d.span.source.name.startswith("<"):
        line, column = d.span.source.position(d.span.start)
        end_line, end_column = d.span.source.position(d.span.end)
        place = {"file": d.span.source.name, "line": str(line), "endLine": str(end_line), "col": str(column)}
        if end_line == line and end_column > column:
            place["endColumn"] = str(end_column - 1)
        properties = {**place, **properties}
    text = "\n".join(
        escape(part) for part in (d.message, in_profiles(d), d.help and f"help: {d.help}") if part
    )
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_COMMAND[d.severity]} {written}::{_data(text)}"


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(escape(text)).replace(":", "%3A").replace(",", "%2C")

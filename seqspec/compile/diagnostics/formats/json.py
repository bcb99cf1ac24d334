"""One JSON object: ``diagnostics`` in file order, and how many there are of each severity."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from seqspec.compile.diagnostics.codes import names
from seqspec.schema.diagnostic import Diagnostic, Edit
from seqspec.schema.source import Span, dotted


def write(diagnostics: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """Lines and columns count from 1, offsets from 0, both in code points."""
    counts = Counter(d.severity for d in diagnostics)
    whole = {
        "files": list(files),
        "errors": counts["error"],
        "warnings": counts["warning"],
        "diagnostics": [as_dict(d) for d in diagnostics],
    }
    return dumps(whole)


def dumps(value: object) -> str:
    """JSON that people can read too: letters of every script as they are, what cannot be seen as escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    if text.isascii():
        return text + "\n"
    return (
        "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
        + "\n"
    )


def as_dict(d: Diagnostic) -> dict[str, object]:
    """A diagnostic as plain data."""
    return {
        "code": d.code,
        "name": names().get(d.code, ""),
        "severity": d.severity,
        "message": d.message,
        "help": d.help,
        "note": d.note,
        "path": dotted(d.path),
        "profiles": list(d.profiles),
        "place": _place(d.span),
        "labels": [{"text": label.text, "place": _place(label.span)} for label in d.labels],
        "fix": None
        if d.fix is None
        else {"title": d.fix.title, "safe": d.fix.safe, "edits": [_edit(edit) for edit in d.fix.edits]},
    }


def _place(span: Span | None) -> dict[str, object] | None:
    if span is None:
        return None
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "start": span.start,
        "end": span.end,
    }


def _edit(edit: Edit) -> dict[str, object]:
    return {"place": _place(edit.span), "text": edit.text}

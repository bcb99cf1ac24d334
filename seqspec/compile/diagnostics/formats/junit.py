"""JUnit XML, as build servers read it: a test case a spec, which fails with what is wrong in it."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape as xml_escape
from xml.sax.saxutils import quoteattr

from seqspec.compile.diagnostics.codes import titled
from seqspec.compile.diagnostics.formats.text import escape, text
from seqspec.schema.diagnostic import Diagnostic


def write(diagnostics: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """Warnings stand in the output of a case that passes; errors make it fail."""
    by_file: dict[str, list[Diagnostic]] = {name: [] for name in files}
    for d in diagnostics:
        by_file.setdefault(d.span.source.name if d.span else "seqspec", []).append(d)
    failed = sum(any(d.severity == "error" for d in found) for found in by_file.values())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites tests="{len(by_file)}" failures="{failed}">',
    ]
    lines.append(f'  <testsuite name="seqspec" tests="{len(by_file)}" failures="{failed}" errors="0">')
    for name, found in by_file.items():
        lines += _case(name, found)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _case(name: str, found: list[Diagnostic]) -> list[str]:
    opening = f'    <testcase classname="seqspec.validate" name={quoteattr(escape(name))}'
    if not found:
        return [opening + "/>"]
    lines = [opening + ">"]
    errors = [d for d in found if d.severity == "error"]
    others = [d for d in found if d.severity != "error"]
    if errors:
        kind = quoteattr(titled(errors[0].code))
        first = quoteattr(escape(errors[0].message))
        lines.append(f"      <failure type={kind} message={first}>{xml_escape(text(errors))}</failure>")
    if others:
        lines.append(f"      <system-out>{xml_escape(text(others))}</system-out>")
    return [*lines, "    </testcase>"]

"""From findings to places, and from diagnostics to what a person or a machine reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from seqspec.schema.diagnostic import Diagnostic, Finding, Label
from seqspec.schema.source import Node, Path, Span, Tree

Format = Literal["text", "concise", "json", "github", "sarif", "junit"]
FORMATS: tuple[Format, ...] = ("text", "concise", "json", "github", "sarif", "junit")


def locate(finding: Finding, tree: Tree) -> Diagnostic:
    """The diagnostic of a finding.  A value that stands only as a default is blamed at the nearest thing written."""
    node, depth = tree.nearest(finding.at)
    span = _span(node, on_key=finding.on_key or depth < len(finding.at))
    labels = [Label(_span(tree.nearest(path)[0], on_key=False), text) for path, text in finding.also]
    labels += [Label(via, "used here") for via in node.via[:2]]
    return Diagnostic(
        finding.code,
        finding.message,
        span,
        severity=finding.severity,
        labels=tuple(label for label in labels if label.span != span),
        help=finding.help,
        note=finding.note,
        path=finding.at,
    )


def _span(node: Node, *, on_key: bool) -> Span:
    if on_key and node.key is not None:
        return node.key
    return node.span


def render(diagnostics: Sequence[Diagnostic], *, format: Format = "text", color: bool = False) -> str:
    """``diagnostics`` in one of the formats, in file order."""
    ordered = sorted(diagnostics, key=_order)
    return "".join(
        f"{d.span or '-'}: {d.severity}[{d.code}] {d.message}"
        + (f"\n  help: {d.help}" if d.help else "")
        + "\n"
        for d in ordered
    )


def _order(d: Diagnostic) -> tuple[str, int, str]:
    return (d.span.source.name, d.span.start, d.code) if d.span else ("", 0, d.code)

"""From findings to places, and from diagnostics to what a person or a machine reads."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from seqspec.schema.diagnostic import DataError, Diagnostic, Finding, Label
from seqspec.schema.experiment import OWN
from seqspec.schema.source import Node, Span, Tree

Format = Literal["text", "concise", "json", "github", "sarif", "junit"]
FORMATS: tuple[Format, ...] = ("text", "concise", "json", "github", "sarif", "junit")


def locate(finding: Finding, tree: Tree) -> Diagnostic:
    """The diagnostic of a finding.  A value that stands only as a default is blamed at the nearest thing
    written.
    """
    node, depth = tree.nearest(finding.at)
    span = _span(node, on_key=finding.on_key or depth < len(finding.at))
    labels = [Label(_span(tree.nearest(path)[0], on_key=False), text) for path, text in finding.also]
    if node.via:
        span, came = node.via[0], [*node.via[1:2], span]
        labels += [Label(place, "the value comes from here") for place in came]
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


def in_whole(d: Diagnostic, task: str, tree: Tree) -> Diagnostic:
    """A diagnostic about the experiment of a task with its place in the whole spec: that of the task itself,
    or what stands there for all tasks.
    """
    own = ("tasks", task, *d.path)
    if not d.path or d.path[0] not in OWN or (tree.at(own) is None and tree.at(d.path) is not None):
        return d
    return d._replace(path=own)


@contextmanager
def located(tree: Tree, *, profiles: Sequence[str] = ()) -> Iterator[None]:
    """Errors of the data inside that name a place of the experiment are shown where it was written.

    ``profiles`` are those of the spec.
    """
    try:
        yield
    except DataError as error:
        error.help = without_corpus(error, profiles)
        if error.at and error.diagnostic is None:
            error.diagnostic = locate(Finding(error.at, str(error), help=error.help, code=error.code), tree)
        raise


def without_corpus(error: DataError, profiles: Sequence[str]) -> str | None:
    """The help of ``error``, with the profile that needs no corpus where the spec has one."""
    if error.code != "SQ401" or "tiny" not in profiles:
        return error.help
    ways = [error.help] if error.help else []
    return "; ".join([*ways, "or try the experiment without it: `--profile tiny`"])


def _span(node: Node, *, on_key: bool) -> Span:
    """The place of a value, or of its key; a mapping is shown by its key, and a value that is not written
    likewise.
    """
    node = _written(node)
    if node.key is not None and (on_key or isinstance(node.value, dict) or node.span.start == node.span.end):
        return node.key
    if node.key is None and isinstance(node.value, dict):
        return _first(node)
    return node.span


def _written(node: Node) -> Node:
    """A mapping that an overlay merged into is shown where it was first written; a spec itself in its own
    file.
    """
    while node.key is not None and (below := node.replaced) is not None and _merged(node, below):
        node = below
    return node


def _merged(node: Node, below: Node) -> bool:
    """Whether ``node`` kept something of ``below``, and did not start afresh."""
    above, old = node.value, below.value
    return (
        isinstance(above, dict)
        and isinstance(old, dict)
        and any(above.get(key) is child for key, child in old.items())
    )


def _first(node: Node) -> Span:
    """The first key of a mapping that has none itself: the top of a spec, or an entry of a list."""
    assert isinstance(node.value, dict)
    keys = [child.key for child in node.value.values() if child.key and child.key.source is node.span.source]
    return (
        min(keys, key=lambda key: key.start)
        if keys
        else Span(node.span.source, node.span.start, node.span.start)
    )


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file, place and code, each once: two readings of one file are one place."""
    found = list(diagnostics)
    if len(found) > 1:
        found = list({(_place(d.span), d.code, d.message, d.profiles): d for d in reversed(found)}.values())
    return sorted(found, key=_order)


def same_mistake(d: Diagnostic) -> tuple[object, ...]:
    """What tells one mistake from another: its code and where it was written."""
    return d.code, _place(d.span), d.path if d.span is None else ()


def _place(span: Span | None) -> tuple[object, ...]:
    """A span by what it says, whichever reading of the file it is of."""
    return (span.source.name, span.source.text, span.start, span.end) if span is not None else ()


def _order(d: Diagnostic) -> tuple[str, int, str, str]:
    return (d.span.source.name, d.span.start, d.code, d.message) if d.span else ("", 0, d.code, d.message)


def render(
    diagnostics: Sequence[Diagnostic],
    *,
    format: Format = "text",
    color: bool = False,
    files: Sequence[str] = (),
) -> str:
    """``diagnostics`` in one of the formats, in file order.

    ``files`` are the specs that were looked at, for the formats that name clean ones too.
    """
    ordered = in_order(diagnostics)
    if format == "text":
        from seqspec.compile.diagnostics.formats.text import text

        return text(ordered, color=color)
    module = importlib.import_module(f"seqspec.compile.diagnostics.formats.{format}")
    written: str = module.write(ordered, files)
    return written

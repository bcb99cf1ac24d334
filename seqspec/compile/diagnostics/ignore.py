"""``# seqspec: ignore[SQ210]`` on the line of a warning, or alone on the line above it, silences the warning.

Errors cannot be silenced.  A comment that silences nothing is itself a warning, so that none outlives its
reason.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from seqspec.compile.diagnostics.codes import names
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix
from seqspec.schema.source import Node, Path, Source, Span, Tree

_COMMENT = re.compile(r"(?<![^\s])#[ \t]*seqspec:[ \t]*ignore(?:\[([^\]\n]*)\])?")
_WORD = re.compile(r"[^\s,]+")


class _Ignore(NamedTuple):
    span: Span
    """The code in the comment."""
    comment: Span
    code: str
    line: int
    """The line whose warnings it silences."""


def silenced(diagnostics: Iterable[Diagnostic], tree: Tree, *, idle: bool = True) -> tuple[Diagnostic, ...]:
    """``diagnostics`` without the warnings that the spec's comments silence and, with ``idle``, with the
    comments that silence none.
    """
    kept = tuple(diagnostics)
    if not kept and "ignore" not in tree.span.source.text:
        return ()
    sources = {tree.span.source, *(d.span.source for d in kept if d.span is not None)}
    used: set[_Ignore] = set()
    ignores = [ignore for source in sources for ignore in _ignores(source, tree)]
    if not ignores:
        return kept
    left = []
    by_place: dict[tuple[Source, int, str], _Ignore] = {}
    for each in ignores:
        by_place.setdefault((each.span.source, each.line, each.code), each)
    for d in kept:
        place = (d.span.source, d.span.line, d.code) if d.span is not None else None
        match = by_place.get(place) if place is not None and d.severity != "error" else None
        if match is None:
            left.append(d)
        else:
            used.add(match)
    unused = [i for i in ignores if idle and i not in used and i.span.source is tree.span.source]
    if not unused:
        return tuple(left)
    settings, told = _settings(tree), {(d.code, d.span.line) for d in kept if d.span is not None}
    return (*left, *(_unused(i, told)._replace(path=settings.get(i.line, ())) for i in unused))


def _settings(tree: Tree) -> dict[int, Path]:
    """The setting that a comment on a line stands beside: the last one whose key or entry begins there."""
    begins = ((path, node.key or node.span) for path, node in _nodes(tree, ()))
    return {span.line: path for path, span in begins if span.source is tree.span.source}


def _nodes(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if isinstance(node.value, dict):
        children: Iterable[tuple[str | int, Node]] = node.value.items()
    else:
        children = enumerate(node.value) if isinstance(node.value, list) else ()
    for part, child in children:
        yield (*path, part), child
        yield from _nodes(child, (*path, part))


def _ignores(source: Source, tree: Tree) -> Iterator[_Ignore]:
    if "ignore" not in source.text:
        return
    texts = sorted((node.span.start, node.span.end) for node in _texts(tree) if node.span.source is source)
    for match in _COMMENT.finditer(source.text):
        if _within(texts, match.start()):
            continue
        comment = Span(source, match.start(), match.end())
        line = source.position(match.start())[0]
        alone = source.line(line).lstrip().startswith("#")
        inside = match.group(1) or ""
        begin = match.start(1) if match.group(1) is not None else match.start()
        words = list(_WORD.finditer(inside))
        for word in words:
            span = Span(source, begin + word.start(), begin + word.end())
            yield _Ignore(span, comment, word.group(), line + alone)
        if not words:
            yield _Ignore(comment, comment, "", line + alone)


def _within(texts: list[tuple[int, int]], at: int) -> bool:
    """The ``#`` stands inside a quoted text, where it begins no comment."""
    before = bisect_left(texts, (at,)) - 1
    return before >= 0 and at < texts[before][1]


def _texts(node: Node) -> Iterator[Node]:
    for _, leaf in node.leaves():
        if isinstance(leaf.value, str):
            yield leaf


def _unused(ignore: _Ignore, told: set[tuple[str, int]]) -> Diagnostic:
    fix = Fix("delete the comment", (Edit(ignore.comment, ""),), safe=True)
    if not ignore.code:
        said, help = (
            "`seqspec: ignore` does not say what it ignores",
            "name the codes: `# seqspec: ignore[SQ210]`",
        )
        return Diagnostic("SQ031", said, ignore.span, severity="warning", help=help)
    if ignore.code not in names():
        said, help = f"there is no diagnostic `{ignore.code}` to ignore", "write a code such as `SQ210`"
        return Diagnostic("SQ031", said, ignore.span, severity="warning", help=help, fix=fix)
    said = f"nothing on this line is told as `{ignore.code}`, so there is nothing to ignore"
    if (ignore.code, ignore.line) in told:
        said = f"`{ignore.code}` is an error here, and errors cannot be ignored"
        return Diagnostic(
            "SQ030", said, ignore.span, severity="warning", help="fix the error, or delete the comment"
        )
    return Diagnostic("SQ030", said, ignore.span, severity="warning", help="delete the comment", fix=fix)

"""``# seqspec: ignore[SQ210]`` on the line of a warning, or alone on the line above it, silences the warning.

Errors cannot be silenced.  A comment that silences nothing is itself a warning, so that none outlives its
reason.
"""

from __future__ import annotations

import re
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
    for d in kept:
        match = next((i for i in ignores if _silences(i, d)), None)
        if match is None:
            left.append(d)
        else:
            used.add(match)
    unused = [i for i in ignores if idle and i not in used and i.span.source is tree.span.source]
    return (*left, *(_unused(i, kept)._replace(path=_setting(i, tree)) for i in unused))


def _setting(ignore: _Ignore, tree: Tree) -> Path:
    """The setting that the comment stands beside: the last one whose key or entry begins on its line."""
    begins = ((path, node.key or node.span) for path, node in _nodes(tree, ()))
    there = [path for path, span in begins if span.source is ignore.span.source and span.line == ignore.line]
    return there[-1] if there else ()


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
    for match in _COMMENT.finditer(source.text):
        if _within_text(source, match.start(), tree):
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


def _within_text(source: Source, at: int, tree: Tree) -> bool:
    """The ``#`` stands inside a quoted text, where it begins no comment."""
    return any(node.span.start < at < node.span.end for node in _texts(tree) if node.span.source is source)


def _texts(node: Node) -> Iterator[Node]:
    for _, leaf in node.leaves():
        if isinstance(leaf.value, str):
            yield leaf


def _silences(ignore: _Ignore, d: Diagnostic) -> bool:
    return (
        d.severity != "error"
        and d.span is not None
        and d.code == ignore.code
        and d.span.source is ignore.span.source
        and d.span.line == ignore.line
    )


def _unused(ignore: _Ignore, diagnostics: Iterable[Diagnostic]) -> Diagnostic:
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
    if any(d.code == ignore.code and d.span and d.span.line == ignore.line for d in diagnostics):
        said = f"`{ignore.code}` is an error here, and errors cannot be ignored"
        return Diagnostic(
            "SQ030", said, ignore.span, severity="warning", help="mend the error, or delete the comment"
        )
    return Diagnostic("SQ030", said, ignore.span, severity="warning", help="delete the comment", fix=fix)

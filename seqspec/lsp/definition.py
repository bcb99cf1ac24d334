"""Go to definition: what ``extends`` or ``${…}`` names, what a value was put over, a component's file."""

from __future__ import annotations

import re
import sys
from pathlib import Path as File

from seqspec.compile.language.paths import NoSuchPath, parse_path
from seqspec.lsp.analysis import Analysis
from seqspec.lsp.cursor import path_at
from seqspec.lsp.places import inside, site_at
from seqspec.schema.source import Node, Path, Source, Span

_REFERENCE = re.compile(r"\$\{([^{}]*)\}")


def definition(analysis: Analysis, offset: int) -> Span | None:
    """Where the thing at ``offset`` is said; ``None`` where it says itself."""
    found = path_at(analysis.written, offset) if analysis.written is not None else None
    if found is None or analysis.written is None:
        return None
    path, on_key = found
    node = analysis.written.at(path)
    if node is None:
        return None
    if path[:1] == ("extends",) and isinstance(node.value, str):
        return _file(File(analysis.source.name).parent / node.value)
    return (
        _referenced(analysis, node, offset)
        or (None if on_key else _component(analysis, path, node))
        or _overridden(analysis, path, node)
    )


def _file(file: File) -> Span | None:
    return Span(Source(str(file), ""), 0, 0) if file.is_file() else None


def _referenced(analysis: Analysis, node: Node, offset: int) -> Span | None:
    """The value that the ``${…}`` under the cursor names."""
    if not isinstance(node.value, str) or analysis.resolved is None:
        return None
    for match in _REFERENCE.finditer(analysis.source.text, node.span.start, node.span.end):
        if match.start() <= offset <= match.end():
            try:
                target = analysis.resolved.at(parse_path(match[1].strip()))
            except NoSuchPath:
                return None
            return target.span if target is not None else None
    return None


def _component(analysis: Analysis, path: Path, node: Node) -> Span | None:
    """The file of the component that the cursor names."""
    owner = path[:-1] if path[-1] == "type" else path
    site = site_at(owner, tree=analysis.written, analysis=analysis)
    if (
        not isinstance(node.value, str)
        or site.place.cls is None
        or not (site.place.shape and site.place.shape.slot)
    ):
        return None
    return _file(File(sys.modules[site.place.cls.__module__].__file__ or ""))


def _overridden(analysis: Analysis, path: Path, node: Node) -> Span | None:
    """What the value was put over: the base's, or, for a profile, the experiment's."""
    if analysis.resolved is None:
        return None
    resolved = analysis.resolved.at(inside(path))
    if resolved is None:
        return None
    if inside(path) != path:
        return resolved.span
    return resolved.replaced.span if resolved.replaced is not None else None

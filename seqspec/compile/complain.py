"""pydantic's errors as diagnostics: unpacked through slots, one for each mistake, in the words of the spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from seqspec.compile.report import locate
from seqspec.compile.shape import place, shapes
from seqspec.compile.suggest import nearest
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, Finding
from seqspec.schema.source import Path, Tree


class Fault(NamedTuple):
    """One error of pydantic at its place in the tree."""

    path: Path
    kind: str
    value: object
    context: dict[str, Any]


def complaints(error: ValidationError, tree: Tree, catalogue: Catalogue) -> list[Diagnostic]:
    """Every mistake that ``error`` holds, in file order."""
    faults = list(_unpack(error.errors(include_url=False), (), tree))
    findings = [_finding(fault, tree, catalogue) for fault in faults]
    return sorted(
        (locate(f, tree) for f in findings),
        key=lambda d: (d.span.source.name, d.span.start) if d.span else ("", 0),
    )


def _unpack(errors: list[Any], above: Path, tree: Tree) -> Iterator[Fault]:
    for error in errors:
        path = _path((*above, *error["loc"]), tree, len(above))
        context = error.get("ctx") or {}
        if error["type"] == "slot_errors":
            yield from _unpack(context["errors"], path, tree)
        else:
            yield Fault(path, error["type"], error.get("input"), context)


def _path(loc: tuple[Any, ...], tree: Tree, known: int) -> Path:
    """``loc`` without the tags of unions, which stand in no spec."""
    path: Path = loc[:known]
    for index, part in enumerate(loc[known:], known):
        if tree.at((*path, part)) is not None or (
            index == len(loc) - 1 and isinstance(part, str) and part.isidentifier()
        ):
            path = (*path, part)
    return path


def _finding(fault: Fault, tree: Tree, catalogue: Catalogue) -> Finding:
    path, context = fault.path, fault.context
    name = str(path[-1]) if path else "spec"
    match fault.kind:
        case "extra_forbidden":
            cls = place(tree, path[:-1], catalogue).cls
            close = nearest(name, shapes(cls)) if cls else None
            return Finding(
                path,
                f"`{name}` is not a key here",
                code="SQ101",
                on_key=True,
                help=f"did you mean `{close}`?" if close else None,
            )
        case "missing":
            return Finding(path, f"`{name}` is missing", code="SQ102", on_key=True, help=f"add `{name}: …`")
        case "slot_unknown":
            names = catalogue.names(context["slot"])
            close = nearest(context["name"], names)
            return Finding(
                path,
                f"there is no {context['slot']} `{context['name']}`",
                code="SQ103",
                help=f"did you mean `{close}`?" if close else None,
            )
        case "slot_type_missing" | "slot_value" | "slot_type_kind":
            return Finding(
                path,
                f"`{name}` must name the type of its {context['slot']}",
                code="SQ105",
                on_key=True,
                help="add `type: …`",
            )
    return Finding(path, f"`{name}` does not fit: {fault.kind}", code="SQ106")

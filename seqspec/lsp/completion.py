"""Completion: keys of the mapping at the cursor, types of the slot, the values that a field takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from seqspec.compile.language.field_docs import field_docs
from seqspec.compile.language.field_types import choices
from seqspec.compile.reference.component_page import field_summary, listing
from seqspec.lsp.analysis import Analysis
from seqspec.lsp.cursor import MARK, Cursor
from seqspec.lsp.places import Site, site_at
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Node

LANGUAGE = {
    "extends": "The spec, or the list of specs, that this one changes; paths start at this file.",
    "profiles": "Named overlays, applied with `--profile NAME`.",
}
"""Keys that are gone once a spec is resolved."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion."""

    label: str
    kind: Literal["key", "type", "value"]
    detail: str = ""
    doc: str = ""
    required: bool = False


def candidates(cursor: Cursor, analysis: Analysis) -> list[Candidate]:
    """What could be written at the cursor, best first."""
    found = list(_candidates(cursor, analysis))
    return [candidate for candidate in found if candidate.label.startswith(cursor.prefix)] or found


def _candidates(cursor: Cursor, analysis: Analysis) -> Iterator[Candidate]:
    if cursor.kind == "key":
        yield from _keys(cursor, analysis)
        return
    if cursor.path and cursor.path[-1] == "type":
        slot = site_at(cursor.path[:-1], tree=cursor.tree, analysis=analysis).place.shape
        yield from _types(slot.slot if slot else None, analysis)
        return
    site = site_at(cursor.path, tree=cursor.tree, analysis=analysis)
    if site.place.shape is not None and site.place.shape.slot is not None:
        yield from _types(site.place.shape.slot, analysis)
    yield from _values(site)
    if site.place.cls is not None and (site.place.shape is None or site.place.shape.slot is None):
        yield from _fields(site.place.cls, frozenset())


def _keys(cursor: Cursor, analysis: Analysis) -> Iterator[Candidate]:
    if cursor.path[:1] == ("profiles",) and len(cursor.path) == 1:
        return
    site = site_at(cursor.path, tree=cursor.tree, analysis=analysis)
    cls = site.place.cls if site.path else Experiment
    here = cursor.tree.at(cursor.path)
    written = _written(here)
    if site.place.shape is not None and site.place.shape.slot is not None and "type" not in written:
        yield Candidate(
            "type", "key", f"the {site.place.shape.slot}", "Which component this is.", required=True
        )
    if cls is not None:
        yield from _fields(cls, written)
    if not cursor.path:
        yield from (Candidate(name, "key", doc=doc) for name, doc in LANGUAGE.items() if name not in written)


def _written(node: Node | None) -> frozenset[str]:
    return (
        frozenset(node.value) - {MARK} if node is not None and isinstance(node.value, dict) else frozenset()
    )


def _fields(cls: type[BaseModel], written: frozenset[str]) -> Iterator[Candidate]:
    """Fields that are not written yet, those that must be first."""
    docs = field_docs(cls)
    names = [name for name in cls.model_fields if name not in written]
    for name in sorted(names, key=lambda name: not cls.model_fields[name].is_required()):
        required = cls.model_fields[name].is_required()
        yield Candidate(name, "key", field_summary(cls, name), docs[name], required)


def _types(slot: str | None, analysis: Analysis) -> Iterator[Candidate]:
    if slot is not None:
        for name, line in listing(analysis.catalogue, slot=slot):
            yield Candidate(name, "type", slot, line)


def _values(site: Site) -> Iterator[Candidate]:
    name = next((part for part in reversed(site.path) if isinstance(part, str)), None)
    field: Any = site.holder.model_fields.get(name) if site.holder is not None and name is not None else None
    if field is None:
        return
    for value in choices(field.annotation):
        text = (
            {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        )
        yield Candidate(text, "value", "default" if value == field.default else "")

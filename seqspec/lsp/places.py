"""What the schema expects at a path of a text; profiles are seen through, types found wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from seqspec.compile.language.expected_schema import Place, component, place
from seqspec.lsp.analysis import Analysis
from seqspec.schema.source import Path, Tree


@dataclass(frozen=True, slots=True)
class Site:
    """A place of the language."""

    path: Path
    """Inside the experiment, a profile's own path taken off."""
    place: Place
    holder: type[BaseModel] | None
    """The class of the mapping that has the last part of the path as a key."""


def inside(path: Path) -> Path:
    """``("profiles", "tiny", "train")`` as ``("train",)``: what a profile says, it says of the experiment."""
    return path[2:] if path[:1] == ("profiles",) else path


def site_at(path: Path, *, tree: Tree | None, analysis: Analysis) -> Site:
    """The place of ``path`` in ``tree``, a text as it is being written; the analysis knows what bases add."""
    catalogue = analysis.catalogue
    inner = inside(path)
    local = tree.at(path[:2]) if tree is not None and inner != path else tree
    trees = [candidate for candidate in (local, analysis.resolved, analysis.written) if candidate is not None]
    found = Place(None, None)
    for candidate in trees:
        found = place(candidate, inner, catalogue)
        if found.cls is not None:
            break
    holder = next((p.cls for c in trees if (p := place(c, inner[:-1], catalogue)).cls is not None), None)
    if found.shape is None and holder is not None and inner:
        found = _under(holder, inner[-1], found, analysis)
    return Site(inner, found, holder if inner else None)


def _under(holder: type[BaseModel], part: str | int, found: Place, analysis: Analysis) -> Place:
    """The place of a key that no tree holds yet."""
    from seqspec.compile.language.expected_schema import shapes

    shape = shapes(holder).get(part) if isinstance(part, str) else None
    if shape is None:
        return found
    return Place(shape, component(None, shape, analysis.catalogue))

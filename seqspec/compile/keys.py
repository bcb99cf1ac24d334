"""Help for a key that does not belong: the slip of the finger, the foreign name, the key of another place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel

from seqspec.compile.names import KEYS
from seqspec.compile.shape import component, shapes
from seqspec.compile.suggest import distance, nearest
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Node, Path, Tree, dotted

MOST_LISTED = 12


class Advice(NamedTuple):
    """What to do about an unknown key."""

    help: str
    rename: str | None = None
    """The key that was meant, where it stands in the same place."""


def advice(path: Path, cls: type[BaseModel] | None, tree: Tree, catalogue: Catalogue) -> Advice:
    """Help for the unknown key at ``path``, in a mapping of class ``cls``."""
    word = str(path[-1])
    own = known_keys(cls)
    close = nearest(word, own)
    if close and distance(word.lower(), close.lower(), 1) <= 1:
        return Advice(f"did you mean `{close}`?", close)
    foreign = next((name for name in KEYS.get(_plain(word), ()) if name in own), None)
    if foreign and not _given(tree, path, foreign):
        return Advice(f"seqspec calls it `{foreign}`", foreign)
    moved = _elsewhere(path, word, tree, catalogue)
    if moved:
        return Advice(moved)
    if close:
        return Advice(f"did you mean `{close}`?", close)
    sibling = _sibling(cls, word, catalogue) or _foreign_elsewhere(path, word, tree, catalogue)
    return Advice(sibling or listed(cls, own))


def known_keys(cls: type[BaseModel] | None) -> tuple[str, ...]:
    """The keys that a mapping of class ``cls`` takes."""
    if cls is None:
        return ()
    extra = ("type",) if getattr(cls, "component", ("", ""))[0] else ()
    return (*extra, *cls.model_fields, *(("extends", "profiles") if cls is Experiment else ()))


def listed(cls: type[BaseModel] | None, names: tuple[str, ...]) -> str:
    """The keys that there are, or where to read about them."""
    if len(names) <= MOST_LISTED:
        return f"it takes {quoted(names)}" if names else "it takes no keys"
    slot, name = getattr(cls, "component", ("", ""))
    return (
        f"`seqspec explain {slot}.{name}` lists its keys"
        if slot
        else f"it takes {quoted(names[:MOST_LISTED])}, …"
    )


def quoted(names: tuple[str, ...] | list[str]) -> str:
    """``a`` and ``b`` as "`a`, `b`"."""
    return ", ".join(f"`{name}`" for name in names)


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")


def _given(tree: Tree, path: Path, name: str) -> bool:
    return tree.at((*path[:-1], name)) is not None


def _elsewhere(path: Path, word: str, tree: Tree, catalogue: Catalogue) -> str | None:
    """The nearest mapping of this spec that takes ``word``: "`dropout` is a key of `model.encoder`"."""
    here = path[:-1]
    places = [
        place for place, cls in _mappings(tree, catalogue) if place != here and word in cls.model_fields
    ]
    if not places:
        return None
    best = min(places, key=lambda place: (_apart(here, place), len(place), str(place)))
    if not best:
        return f"`{word}` stands at the top of a spec; move it there"
    if _given(tree, (*best, word), word):
        return f"`{word}` is a key of `{dotted(best)}`, where it is given already; delete it here"
    return f"`{word}` is a key of `{dotted(best)}`; move it there"


def _foreign_elsewhere(path: Path, word: str, tree: Tree, catalogue: Catalogue) -> str | None:
    """A foreign name of a setting that stands in another place, as far as that is no guess."""
    for name in KEYS.get(_plain(word), ()):
        places = [place for place, cls in _mappings(tree, catalogue) if name in cls.model_fields]
        if places and name not in ("size", "type", "name"):
            best = min(places, key=lambda place: (_apart(path[:-1], place), len(place), str(place)))
            return f"seqspec calls it `{dotted((*best, name))}`"
    return "seqspec calls it `data.batch.size`" if _plain(word) in ("batch_size", "max_tokens") else None


def _sibling(cls: type[BaseModel] | None, word: str, catalogue: Catalogue) -> str | None:
    """Another component of the same slot that takes the key."""
    slot, own = getattr(cls, "component", ("", ""))
    if not slot:
        return None
    others = [
        name
        for name in catalogue.names(slot)
        if name != own and word in catalogue.config(slot, name).model_fields
    ]
    if not others:
        return None
    return f"`{word}` is a key of {slot} {quoted(others[:3])}, not of `{own}`"


def _apart(left: Path, right: Path) -> int:
    """Steps from one place of the tree to another."""
    common = next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
    )
    return len(left) + len(right) - 2 * common


def _mappings(tree: Tree, catalogue: Catalogue) -> Iterator[tuple[Path, type[BaseModel]]]:
    """Every mapping of the spec with its class; optional mappings that are not written are named too."""
    yield (), Experiment
    yield from _below(tree, (), Experiment, catalogue)


def _below(
    node: Node | None, path: Path, cls: type[BaseModel], catalogue: Catalogue
) -> Iterator[tuple[Path, type[BaseModel]]]:
    for name, shape in shapes(cls).items():
        child = node.at((name,)) if node is not None else None
        if shape.many:
            entries = child.value if child is not None and isinstance(child.value, list) else []
            found = [((*path, name, index), entry) for index, entry in enumerate(entries)]
        else:
            found = [((*path, name), child)]
        for place, entry in found:
            below = component(entry, shape, catalogue) if entry is not None or shape.slot is None else None
            if below is not None:
                yield place, below
                yield from _below(entry, place, below, catalogue)

"""Help for a key that does not belong: the slip of the finger, the foreign name, the key of another place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel

from seqspec.compile.language.expected_schema import component, shapes
from seqspec.compile.language.suggestions import distance, nearest
from seqspec.compile.validate.foreign_names import KEYS
from seqspec.compile.validate.foreign_places import PLACES
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Node, Path, Tree, dotted

MOST_LISTED = 12


class Advice(NamedTuple):
    """What to do about an unknown key."""

    help: str
    rename: str | None = None
    """The key that was meant, where it stands in the same place."""
    same_value: bool = True
    """Whether that key takes the value as it is written."""


def advice(path: Path, cls: type[BaseModel] | None, tree: Tree, catalogue: Catalogue) -> Advice:
    """Help for the unknown key at ``path``, in a mapping of class ``cls``."""
    word = str(path[-1])
    own = known_keys(cls)
    plain = _plain(word)
    if plain in own:
        return Advice(f"did you mean `{plain}`?", plain)
    before, colon, value = unicodedata.normalize("NFKC", word).partition(":")
    if colon and before in own and value:
        missing = "a space is missing after `:`" if ":" in word else "a full-width `：` is no colon of YAML"
        return Advice(f"{missing}; write `{before}: {value}`", f"{before}: {value}")
    before, dot, value = word.partition(".")
    if before == "p" and value in own:
        return Advice(f"did you mean `{value}`?  Settings stand without the `p.` of Lingvo", value)
    if dot and before in own and value:
        return Advice(f"in a file, settings are nested: write `{_nested(word)}`")
    if plain == "profile" and cls is Experiment:
        return Advice(
            "a profile is chosen when a spec is used: `--profile NAME`; `profiles` says what each changes"
        )
    if plain in ("extends", "profiles"):
        return Advice(f"`{plain}` stands at the top of a spec, beside `name`")
    close = nearest(word, own)
    if close and plain not in KEYS and distance(word.lower(), close.lower(), 1) <= 1:
        return _slip(path, close, tree)
    foreign = next((name for name in KEYS.get(plain, ()) if name in own), None)
    if foreign:
        return _translated(path, plain, foreign, tree)
    slot = getattr(cls, "component", ("", ""))[0]
    if slot and plain in catalogue.names(slot):
        return Advice(f"write `type: {plain}`, and its settings beside it")
    sibling = _sibling(cls, word, catalogue)
    below = any(place[: len(path) - 1] == path[:-1] for place in _nearest_places(path, word, tree, catalogue))
    if sibling and not below:
        return Advice(sibling)
    translated = _foreign_elsewhere(path, plain, tree, catalogue)
    moved = _elsewhere(path, word, tree, catalogue)
    if moved and not (translated and _is_foreign_here(path, plain, tree, catalogue)):
        return Advice(moved)
    if translated:
        return Advice(translated)
    if close and not _is_given(path, close, tree):
        return _slip(path, close, tree)
    return Advice(listed(cls, own))


def _slip(path: Path, meant: str, tree: Tree) -> Advice:
    """A slip of the finger for ``meant``; where that is given too, there is nothing to rename."""
    if _is_given(path, meant, tree):
        return Advice(f"did you mean `{meant}`, which is given already?  Delete one of the two")
    return Advice(f"did you mean `{meant}`?", meant)


def _is_given(path: Path, key: str, tree: Tree) -> bool:
    """Whether ``key`` was written beside the unknown key; what a base or the spec under a profile gives can
    be overlaid.
    """
    there, here, above = tree.at((*path[:-1], key)), tree.at(path), tree.at(path[:-1])
    below = above.replaced.value if above is not None and above.replaced is not None else None
    if there is not None and isinstance(below, dict) and below.get(key) is there:
        return False
    return there is not None and (here is None or there.span.source is here.span.source)


def _nested(word: str) -> str:
    """``train.max_steps`` as ``train: {max_steps: …}``."""
    *above, last = word.split(".")
    return "".join(f"{part}: {{" for part in above) + f"{last}: …" + "}" * len(above)


def _is_foreign_here(path: Path, plain: str, tree: Tree, catalogue: Catalogue) -> bool:
    """A word that is ours with another meaning is not meant so, unless it belongs to this section."""
    if plain not in KEYS or plain not in PLACES:
        return False
    section = path[:1]
    if PLACES[plain].path.partition(".")[0] in section:
        return True
    return all(place[:1] != section for place in _nearest_places(path, plain, tree, catalogue))


def _translated(path: Path, plain: str, ours: str, tree: Tree) -> Advice:
    """A foreign word for a key that the same mapping takes."""
    if _is_given(path, ours, tree):
        return Advice(f"seqspec calls it `{ours}`, which is given already")
    place = PLACES.get(plain)
    same_setting = place is not None and place.path.rpartition(".")[2] == ours
    remark = place.remark if place is not None and same_setting else ""
    help = f"seqspec calls it `{ours}`, {remark}" if remark else f"seqspec calls it `{ours}`"
    return Advice(help, ours, same_value=not remark)


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
    """``Max-Steps`` and full-width ``ｍａｘ＿ｓｔｅｐｓ`` as ``max_steps``."""
    return unicodedata.normalize("NFKC", word).lower().replace("-", "_")


def _elsewhere(path: Path, word: str, tree: Tree, catalogue: Catalogue) -> str | None:
    """The nearest mappings of this spec that take ``word``: "`dropout` is a key of `model.encoder`"."""
    best = _nearest_places(path, word, tree, catalogue)
    if not best:
        return None
    if best[0] == ():
        return f"`{word}` stands at the top of a spec; move it there"
    where = " and of ".join(f"`{dotted(place)}`" for place in best[:2])
    if all(tree.at((*place, word)) is not None for place in best):
        return f"`{word}` is a key of {where}, where it is given already; delete it here"
    return f"`{word}` is a key of {where}; move it there"


def _nearest_places(path: Path, word: str, tree: Tree, catalogue: Catalogue) -> list[Path]:
    """The mappings that take ``word`` and are the fewest steps away, in the order of the schema."""
    here = path[:-1]
    places = [
        place for place, cls in _mappings(tree, catalogue) if place != here and word in cls.model_fields
    ]
    ranks = [(_apart(here, place), len(place)) for place in places]
    return [place for place, rank in zip(places, ranks, strict=True) if rank == min(ranks)]


def _foreign_elsewhere(path: Path, plain: str, tree: Tree, catalogue: Catalogue) -> str | None:
    """A foreign name of a setting that stands in another place, as far as that is no guess."""
    place = PLACES.get(plain)
    if place is not None:
        called = f"seqspec calls it `{place.path}`" if place.path else ""
        return ", ".join(filter(None, (called, place.remark)))
    for name in KEYS.get(plain, ()):
        places = _nearest_places(path, name, tree, catalogue) if name not in ("size", "type", "name") else []
        if places:
            return f"seqspec calls it `{dotted((*places[0], name))}`"
    return None


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
    found: list[tuple[Path, Node | None]]
    for name, shape in shapes(cls).items():
        child = node.at((name,)) if node is not None else None
        if shape.many:
            entries = child.value if child is not None and isinstance(child.value, list) else []
            found = [((*path, name, index), entry) for index, entry in enumerate(entries)]
        elif shape.keyed:
            named = child.value if child is not None and isinstance(child.value, dict) else {}
            found = [((*path, name, key), entry) for key, entry in named.items()]
            shape = shape._replace(keyed=False)
        else:
            found = [((*path, name), child)]
        for place, entry in found:
            below = component(entry, shape, catalogue) if entry is not None or shape.slot is None else None
            if below is not None:
                yield place, below
                yield from _below(entry, place, below, catalogue)

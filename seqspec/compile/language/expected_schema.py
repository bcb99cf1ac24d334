"""What the schema expects at a place of the tree: the class of a mapping, the slot of a component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel

from seqspec.schema.catalogue import Catalogue, UnknownComponent
from seqspec.schema.config import is_mapping
from seqspec.schema.environment import MayName
from seqspec.schema.experiment import Experiment
from seqspec.schema.slot import Slot, find_marks
from seqspec.schema.source import Node, Path


class Shape(NamedTuple):
    """What one field holds."""

    slot: str | None
    """The slot of its component, or of the components of its list."""
    model: type[BaseModel] | None
    """The class of its mapping, where it is no slot."""
    many: bool
    """A list of them."""
    keyed: bool
    """A mapping of names to them."""
    environment: bool
    """``${env:NAME}`` may stand in it."""
    names: bool = False
    """A mapping of names that the person chooses, whatever they name."""


@cache
def shapes(cls: type[BaseModel]) -> Mapping[str, Shape]:
    """The shape of each field of a config class."""
    return MappingProxyType({name: _shape(field) for name, field in cls.model_fields.items()})


def _shape(field: Any) -> Shape:
    slot = next(find_marks(field.annotation, field.metadata, Slot), None)
    model = None if slot else next(_models(field.annotation), None)
    may_name = next(find_marks(field.annotation, field.metadata, MayName), None) is not None
    many, keyed = _holds(list, field.annotation), _holds(dict, field.annotation)
    return Shape(slot.name if slot else None, model, many, keyed and bool(slot or model), may_name, keyed)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and is_mapping(annotation):
        yield annotation
    for argument in getattr(annotation, "__args__", ()) or ():
        yield from _models(argument)


def _holds(kind: type, annotation: Any) -> bool:
    """Whether a list (or a mapping of names) stands in an annotation."""
    origin = getattr(annotation, "__origin__", None)
    return origin is kind or any(
        _holds(kind, argument) for argument in getattr(annotation, "__args__", ()) or ()
    )


class Place(NamedTuple):
    """What is expected at a path."""

    shape: Shape | None
    """The field there, or ``None`` where the schema has none."""
    cls: type[BaseModel] | None
    """The class of the mapping there, as far as the tree names its type."""


def place(root: Node, path: Path, catalogue: Catalogue) -> Place:
    """What the schema expects at ``path``, given the types that ``root`` names on the way."""
    cls: type[BaseModel] | None = Experiment
    shape: Shape | None = None
    node: Node | None = root
    for part in path:
        node = node.at((part,)) if node is not None else None
        shape = step(shape, cls, part)
        if shape is None:
            return Place(None, None)
        cls = component(node, shape, catalogue)
    return Place(shape, cls)


def step(shape: Shape | None, cls: type[BaseModel] | None, part: str | int) -> Shape | None:
    """The shape one key or one place of a list further on; ``cls`` is the class of the mapping before it."""
    if isinstance(part, int):
        return shape if shape is not None and shape.many else None
    if shape is not None and shape.keyed and cls is None:
        return shape._replace(keyed=False, names=False)
    return shapes(cls).get(part) if cls is not None else None


def component(node: Node | None, shape: Shape, catalogue: Catalogue) -> type[BaseModel] | None:
    """The config class of ``node``, by the type it names or the slot's default."""
    if shape.keyed:
        return None
    if shape.slot is None:
        return shape.model
    name = named_type(node) or catalogue.default(shape.slot)
    if name is None:
        return None
    try:
        return catalogue.config(shape.slot, name)
    except UnknownComponent:
        return None


def named_type(node: Node | None) -> str | None:
    """The type that a component node states: ``conformer`` and ``{type: conformer}`` alike."""
    if node is None:
        return None
    value = node.value
    if isinstance(value, dict):
        stated = value.get("type")
        value = stated.value if stated is not None else None
    return value if isinstance(value, str) else None

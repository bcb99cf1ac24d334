"""pydantic's errors, unpacked: through slots, without the tags of unions, one for each mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from seqspec.compile.language.expected_schema import component, named_type, shapes, step
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Node, Path, Tree


class Fault(NamedTuple):
    """One mistake: where, what pydantic calls it, and what the schema says about the place."""

    path: Path
    kind: str
    context: dict[str, Any]
    node: Node | None
    """What is written there; ``None`` where something is missing."""
    owner: type[BaseModel] | None
    """The class of the mapping that the last key of the path stands in."""
    field: FieldInfo | None
    """The field that the last key of the path names, or the list that the entry stands in."""
    slot: str | None
    """The slot whose component stands at the path."""

    @property
    def name(self) -> str:
        """The last key of the path, with the indices behind it: ``metrics[0]``."""
        text = ""
        for part in reversed(self.path):
            if isinstance(part, str):
                return part + text
            text = f"[{part}]{text}"
        return text or "the spec"

    @property
    def value(self) -> object:
        return self.node.value if self.node is not None else None


def faults(error: ValidationError, tree: Tree, catalogue: Catalogue) -> list[Fault]:
    """The mistakes that ``error`` holds, each once."""
    found: dict[Path, Fault] = {}
    for errors, path in _unpack(error.errors(include_url=False), (), tree, catalogue):
        fault = _fault(errors, path, tree, catalogue)
        old = found.get(path)
        if old is None or (old.kind == "literal_error" and not isinstance(fault.value, str)):
            found[path] = fault
    deeper = {path[:length] for path in found for length in range(len(path))}
    return [fault for path, fault in found.items() if path not in deeper or fault.kind in _OF_THE_WHOLE]


_OF_THE_WHOLE = ("value_error", "assertion_error")


def _unpack(
    errors: list[Any], above: Path, tree: Tree, catalogue: Catalogue
) -> Iterator[tuple[dict[str, Any], Path]]:
    for error in errors:
        path = _path(error, above, tree, catalogue)
        if error["type"] == "slot_errors":
            yield from _unpack(error["ctx"]["errors"], path, tree, catalogue)
        else:
            yield ({**error, "type": "bad_key"} if error["loc"][-1:] == ("[key]",) else error), path


def _path(error: dict[str, Any], above: Path, tree: Tree, catalogue: Catalogue) -> Path:
    """The place of an error: its ``loc`` without the tags of unions and functions, which stand in no spec."""
    path = above
    loc = error["loc"]
    for index, part in enumerate(loc):
        absent = error["type"] == "missing" and index == len(loc) - 1
        known = isinstance(part, str) and (absent or _is_field(path, part, tree, catalogue))
        if known or tree.at((*path, part)) is not None:
            path = (*path, part)
    return path


def _is_field(path: Path, name: str, tree: Tree, catalogue: Catalogue) -> bool:
    cls = walk(tree, path, catalogue)[1]
    return cls is not None and name in cls.model_fields


def _fault(error: dict[str, Any], path: Path, tree: Tree, catalogue: Catalogue) -> Fault:
    owner, field, slot = None, None, None
    above = path
    while above and isinstance(above[-1], int):
        above = above[:-1]
    if above:
        owner = walk(tree, above[:-1], catalogue)[1]
        name = str(above[-1])
        if owner is not None and name in owner.model_fields:
            field = owner.model_fields[name]
            slot = shapes(owner)[name].slot
        elif len(above) > 1:
            holder = walk(tree, above[:-2], catalogue)[1]
            field = _value_of_names(holder, str(above[-2]))
            shape = shapes(holder).get(str(above[-2])) if holder is not None else None
            slot = shape.slot if shape is not None and shape.keyed else None
    return Fault(path, error["type"], error.get("ctx") or {}, tree.at(path), owner, field, slot)


def _value_of_names(owner: type[BaseModel] | None, name: str) -> FieldInfo | None:
    """What each name of a mapping of names takes, such as the files of a split; no model lists the names."""
    if owner is None or name not in owner.model_fields:
        return None
    annotation: Any = owner.model_fields[name].annotation
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is dict:
            return FieldInfo.from_annotation(get_args(part)[1])
    return None


def walk(tree: Tree, path: Path, catalogue: Catalogue) -> tuple[str, type[BaseModel] | None]:
    """What the mapping at ``path`` is, in words, and its class as far as the tree names its type."""
    cls: type[BaseModel] | None = Experiment
    said, shape = "an experiment", None
    node: Node | None = tree
    for part in path:
        node = node.at((part,)) if node is not None else None
        if isinstance(part, str):
            shape = step(shape, cls, part)
            said = f"`{part}`"
        if shape is None:
            return said, None
        cls = component(node, shape, catalogue)
        if cls is not None and shape.slot is not None:
            said = f"{shape.slot} `{named_type(node) or catalogue.default(shape.slot)}`"
    return said, cls

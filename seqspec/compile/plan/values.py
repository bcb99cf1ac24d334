"""Every leaf of a plan with where it comes from: written, a default, or inferred for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from seqspec.compile.plan.digests import is_unsaid
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Node, Path

Origin = Literal["written", "default", "inferred"]


class Value(NamedTuple):
    """One number or word of the plan, and where it comes from."""

    path: Path
    value: object
    origin: Origin
    reason: str = ""


def values(experiment: Experiment, *, tree: Node | None, reasons: Mapping[Path, str]) -> tuple[Value, ...]:
    """Every leaf of the experiment with its origin, in the language's order."""
    found: list[Value] = []
    _add_values(experiment, (), tree, reasons, found)
    return tuple(found)


def _add_values(
    model: object, path: Path, node: Node | None, reasons: Mapping[Path, str], found: list[Value]
) -> None:
    """Walks the experiment beside what was written of it; ``node`` is ``None`` below what was left out."""
    if isinstance(model, BaseModel):
        written = node.value if node is not None and type(node.value) is dict else {}
        if getattr(model, "component", ("", ""))[1]:
            found.append(_type_value(model, path, node, reasons))
        for name, field in type(model).model_fields.items():
            if name in model.__dict__ and (name in written or not is_unsaid(model, name, field)):
                _add_values(getattr(model, name), (*path, name), written.get(name), reasons, found)
    elif isinstance(model, dict) and any(isinstance(item, BaseModel) for item in model.values()):
        written = node.value if node is not None and type(node.value) is dict else {}
        for name, item in model.items():
            _add_values(item, (*path, name), written.get(name), reasons, found)
    elif isinstance(model, list) and model:
        items = node.value if node is not None and type(node.value) is list else []
        for index, item in enumerate(model):
            _add_values(item, (*path, index), items[index] if index < len(items) else None, reasons, found)
    elif isinstance(model, dict) and any(isinstance(item, BaseModel) for item in model.values()):
        written = node.value if node is not None and type(node.value) is dict else {}
        for name, item in model.items():
            _add_values(item, (*path, name), written.get(name), reasons, found)
    elif node is not None:
        found.append(Value(path, model, "written"))
    else:
        reason = reasons.get(path)
        found.append(Value(path, model, "default" if reason is None else "inferred", reason or ""))


def _type_value(model: Any, path: Path, node: Node | None, reasons: Mapping[Path, str]) -> Value:
    """The type of a component: written as its name or under ``type``, or left to the slot."""
    told = node is not None and (isinstance(node.value, str) or node.at(("type",)) is not None)
    reason = None if told else reasons.get(path)
    origin: Origin = "written" if told else "default" if reason is None else "inferred"
    return Value((*path, "type"), model.component[1], origin, reason or "")

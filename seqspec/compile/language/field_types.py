"""What a field takes, in the words of the language: ``whole number, at least 1``, ``one of none, unit``."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from seqspec.schema.config import takes_component
from seqspec.schema.slot import Slot
from seqspec.schema.units import MOST

_PLAIN = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    dict: "mapping",
    list: "list",
}


def describe(field: FieldInfo) -> str:
    """The values that ``field`` takes; ``or nothing`` where null is one of them."""
    return describe_type(field.annotation, list(field.metadata))


def describe_type(annotation: Any, marks: list[Any]) -> str:
    """Like ``describe``, for an annotation and the marks on it."""
    slot = next((mark for mark in marks if isinstance(mark, Slot)), None)
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return describe_type(inner, [*marks, *more])
    if origin in (Union, types.UnionType):
        return _union(annotation, marks)
    if slot is not None and takes_component(annotation):
        return f"{slot.name} component"
    if origin is Literal:
        return _choices(get_args(annotation))
    if origin is list:
        (item,) = get_args(annotation) or (Any,)
        return f"list of {describe_type(item, [])}{_length(marks)}"
    if origin is dict:
        return f"mapping of names to {describe_type(get_args(annotation)[1], [])}"
    if origin is tuple:
        return "list of " + ", ".join(
            describe_type(item, []) for item in get_args(annotation) if item is not ...
        )
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return _PLAIN.get(annotation, "any value") + _bounds(marks, annotation)


def choices(annotation: Any) -> tuple[object, ...]:
    """Every literal value that stands in ``annotation``, also inside unions."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return tuple(value for part in get_args(annotation) for value in choices(part))
    return (True, False) if annotation is bool else ()


def _union(annotation: Any, marks: list[Any]) -> str:
    parts = get_args(annotation)
    texts = [describe_type(part, marks) for part in parts if part is not types.NoneType]
    return " or ".join(texts) + (" or nothing" if types.NoneType in parts else "")


def _choices(values: tuple[object, ...]) -> str:
    words = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return words[0] if len(words) == 1 else "one of " + ", ".join(words)


def _length(marks: list[Any]) -> str:
    flat = _limits(marks)
    least, most = flat.get("min_length"), flat.get("max_length")
    if least is not None and least == most:
        return f" ({least} of them)"
    if least and most:
        return f" ({least} to {most} of them)"
    return f" ({least} or more of them)" if least else f" (up to {most} of them)" if most else ""


def _bounds(marks: list[Any], annotation: Any) -> str:
    flat = _limits(marks)
    text = ""
    if "gt" in flat:
        text += ", at least 1" if annotation is int and flat["gt"] == 0 else f", above {_short(flat['gt'])}"
    if "ge" in flat:
        text += f", at least {_short(flat['ge'])}"
    if "lt" in flat and flat["lt"] < 2**62:
        text += f", below {_short(flat['lt'])}"
    if "le" in flat and flat["le"] < MOST:
        text += f", at most {_short(flat['le'])}"
    if "multiple_of" in flat:
        text += f", a multiple of {flat['multiple_of']}"
    if "pattern" in flat:
        text += f" like {flat['pattern']}"
    return text


def _limits(marks: list[Any]) -> dict[str, Any]:
    """Bounds on a field, whether they stand as marks or inside a ``Field``."""
    names = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
    flat: dict[str, Any] = {}
    for mark in marks:
        if isinstance(mark, FieldInfo):
            flat |= _limits(list(mark.metadata))
        for name in names:
            value = getattr(mark, name, None)
            if value is not None:
                flat[name] = value
    return flat


def _short(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) and number >= 10_000 else f"{number:g}"

"""``Slot``, the mark of a field that holds a component: ``{type: name, …}``, or the bare name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from seqspec.schema.catalogue import Catalogue, UnknownComponent
from seqspec.schema.config import Config

NOTHING = "none"
"""The bare name that stands for no component."""


class Slot:
    """Mark in ``Annotated``: the field holds a component of the slot, written as ``{type: name, …}`` or as
    the bare name.
    """

    def __init__(self, name: str, *, number: bool = False, nothing: str = NOTHING) -> None:
        self.name = name
        self.nothing = nothing
        """A bare name that stands for no component beside ``none``: what holds without one."""
        self.number = number
        """A plain number may stand for the component."""

    def __repr__(self) -> str:
        return f"Slot({self.name!r})"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        optional = type(None) in get_args(source)
        schema = core_schema.with_info_plain_validator_function(
            self._or_nothing if optional else self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(_serialize),
        )
        return core_schema.nullable_schema(schema) if optional else schema

    def _or_nothing(self, value: object, info: ValidationInfo) -> Config | float | None:
        """``none`` is null where there may be no component: TOML has no other word for it."""
        return None if value in (NOTHING, self.nothing) else self._validate(value, info)

    def _validate(self, value: object, info: ValidationInfo) -> Config | float:
        if isinstance(value, Config):
            return value
        if self.number and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        catalogue = info.context
        assert isinstance(catalogue, Catalogue)
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, dict):
            raise PydanticCustomError("slot_value", "", {"slot": self.name})
        rest = dict(value)
        name = rest.pop("type", None)
        if name is None:
            name = catalogue.default(self.name)
        if name is None:
            raise PydanticCustomError("slot_type_missing", "", {"slot": self.name})
        if not isinstance(name, str):
            raise PydanticCustomError("slot_type_kind", "", {"slot": self.name})
        try:
            cls = catalogue.config(self.name, name)
        except UnknownComponent:
            raise PydanticCustomError("slot_unknown", "", {"slot": self.name, "name": name}) from None
        try:
            return cls.model_validate(rest, context=catalogue)
        except ValidationError as error:
            # The errors travel inside one error and are unpacked, with their paths, by
            # ``compile/validate/validate.py``.
            inner = error.errors(include_url=False)
            raise PydanticCustomError(
                "slot_errors", "", {"slot": self.name, "name": name, "errors": inner}
            ) from None


def _serialize(value: Config | float | None) -> dict[str, object] | float | None:
    return {"type": value.component[1], **value.model_dump()} if isinstance(value, Config) else value


def slots(cls: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each field of ``cls`` that holds components, with the slot's name."""
    for name, field in cls.model_fields.items():
        for slot in find_marks(field.annotation, field.metadata, Slot):
            yield name, slot.name


def find_marks(annotation: object, metadata: list[object], kind: type) -> Iterator[Any]:
    """Marks of ``kind`` on a field, also inside ``list[…]`` and ``… | None``."""
    yield from (mark for mark in metadata if isinstance(mark, kind))
    for argument in getattr(annotation, "__args__", ()) or ():
        inner = getattr(argument, "__metadata__", ())
        yield from find_marks(
            getattr(argument, "__origin__", argument) if inner else argument, list(inner), kind
        )

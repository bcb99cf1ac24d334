"""``Config``, the class that every component's configuration extends, and ``Slot``, the field that names a
component.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from seqspec.schema.catalogue import Catalogue, UnknownComponent
from seqspec.schema.types import Type

if TYPE_CHECKING:
    from collections.abc import Mapping


class Config(BaseModel):
    """Frozen, strict, closed: no unknown key, no coercion.  One sentence under each field says what it means
    and its unit.

    A leaf component declares ``output(source) -> Type``, pure and torch-free.  A component with slots of its
    own declares ``wire(source, flow) -> Type`` instead and passes types through its children by
    ``flow.node``.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True, allow_inf_nan=False)

    component: ClassVar[tuple[str, str]] = ("", "")
    """Slot and name, such as ``("encoder", "conformer")``; set by the catalogue when it loads the class."""


class Mismatch(Exception):
    """Raised by ``output``, ``wire`` and ``derive``: the component cannot take what it is given, or its
    numbers do not fit.
    """

    def __init__(self, message: str, *, at: tuple[str | int, ...] = (), help: str | None = None) -> None:
        self.message = message
        self.at = at
        self.help = help
        super().__init__(message)


class Flow(Protocol):
    """How ``wire`` passes types to the children of a component; ``compile/infer.py`` is the one
    implementation.
    """

    def node(self, name: str, source: Type | Mapping[str, Type], **derived: object) -> Type:
        """Infer the child in field ``name`` from ``source``.

        ``derived`` are the values that follow for its inferred fields, each as a value or ``(value,
        reason)``.  Gives the child's output type, or ``Poison`` where it could not take its source; the
        mistake is then already noted.
        """
        ...

    def derive(self, field: str, value: object, reason: str, at: tuple[str | int, ...] | None = None) -> Any:
        """Fill an inferred field of this component; gives the value that holds (the person's own, where they
        stated it).

        ``at`` is the place that decides it, seen from this component, for the second label of a conflict;
        left out, it is the last component that gives a type with the value.
        """
        ...

    def fill(self, name: str, component: str, reason: str) -> None:
        """Put a component with its defaults into a slot of this component that the person left empty."""
        ...

    def item(self, name: str, index: int | str, source: Type | Mapping[str, Type], **derived: object) -> Type:
        """Like ``node`` for one component of a list, or of a mapping of names."""
        ...

    def nodes(self, name: str, source: Type, **derived: object) -> Type:
        """Like ``node`` for a list of components, each fed by the one before it."""
        ...


class Slot:
    """Mark in ``Annotated``: the field holds a component of the slot, written as ``{type: name, …}`` or as
    the bare name.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Slot({self.name!r})"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.with_info_plain_validator_function(
            self._validate, serialization=core_schema.plain_serializer_function_ser_schema(_serialize)
        )
        return core_schema.nullable_schema(schema) if type(None) in get_args(source) else schema

    def _validate(self, value: object, info: ValidationInfo) -> Config:
        if isinstance(value, Config):
            return value
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
            # ``compile/validate.py``.
            inner = error.errors(include_url=False)
            raise PydanticCustomError(
                "slot_errors", "", {"slot": self.name, "name": name, "errors": inner}
            ) from None


def _serialize(value: Config | None) -> dict[str, object] | None:
    return None if value is None else {"type": value.component[1], **value.model_dump()}


def slots(cls: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each field of ``cls`` that holds components, with the slot's name."""
    for name, field in cls.model_fields.items():
        for slot in find_marks(field.annotation, field.metadata, Slot):
            yield name, slot.name


def below(model: Any, part: str | int) -> Any:
    """What stands under ``part`` of a config, a list or a mapping of names."""
    return getattr(model, str(part)) if isinstance(model, BaseModel) else model[part]


def find_marks(annotation: object, metadata: list[object], kind: type) -> Iterator[Any]:
    """Marks of ``kind`` on a field, also inside ``list[…]`` and ``… | None``."""
    yield from (mark for mark in metadata if isinstance(mark, kind))
    for argument in getattr(annotation, "__args__", ()) or ():
        inner = getattr(argument, "__metadata__", ())
        yield from find_marks(
            getattr(argument, "__origin__", argument) if inner else argument, list(inner), kind
        )

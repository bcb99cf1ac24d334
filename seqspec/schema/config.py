"""``Config``, the class that every component's configuration extends, and ``Slot``, the field that names a
component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from seqspec.schema.types import Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seqspec.schema.hugging_face_folder import Folder


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
    any_of_slot: ClassVar[bool] = True
    """On a class itself, not on what extends it: a field of the class holds any component of its slot."""
    retired: ClassVar[dict[str, object]] = {}
    """Keys that older specs could write, with the values that said what holds without them: they stay in the
    digest, so that older plans keep theirs.  ``replacement(key, value)`` says how each is written now.
    """

    @classmethod
    def replacement(cls, key: str, value: object) -> Replacement:
        """How a retired key with this value is written now."""
        return Replacement("take it out: nothing reads it")


@runtime_checkable
class Leaf(Protocol):
    """A component without slots of its own."""

    def output(self, source: Any) -> Type:
        """What it gives of what it takes.  Raises ``Mismatch``."""
        ...


@runtime_checkable
class Wide(Protocol):
    """A component that states the width of what it gives."""

    @property
    def dim(self) -> int: ...


@runtime_checkable
class GivesAuxiliary(Protocol):
    """A component with losses of its own."""

    def auxiliary(self) -> Mapping[str, float]:
        """Their names, each with the weight that holds where the spec states none."""
        ...


def stated_width(part: object) -> int:
    """The width that a config or a type states as its ``dim``."""
    assert isinstance(part, Wide)
    return part.dim


class Replacement(NamedTuple):
    """How a retired key is written now."""

    help: str
    here: str | None = None
    """What stands in its place, as YAML; ``None`` where a person has to decide."""
    term: str = ""
    """An entry of ``losses`` that it asks for."""
    rest: float = 1.0
    """The weight that is left for the loss that was alone before."""


class Mismatch(Exception):
    """Raised by ``output``, ``wire`` and ``derive``: the component cannot take what it is given, or its
    numbers do not fit.
    """

    def __init__(
        self,
        message: str,
        *,
        at: tuple[str | int, ...] = (),
        help: str | None = None,
        code: str = "SQ200",
    ) -> None:
        self.message = message
        self.at = at
        self.help = help
        self.code = code
        super().__init__(message)


class Flow(Protocol):
    """How ``wire`` passes types to the children of a component; ``compile/infer/infer.py`` is the one
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

    def folder(self, written: str) -> Folder | None:
        """What a folder in Hugging Face's layout says; ``None`` where ``written`` names a variable that is
        not set here.  Raises ``Mismatch`` where it is no such folder.
        """
        ...

    def item(self, name: str, index: int | str, source: Type | Mapping[str, Type], **derived: object) -> Type:
        """Like ``node`` for one component of a list, or of a mapping of names."""
        ...

    def nodes(self, name: str, source: Type, **derived: object) -> Type:
        """Like ``node`` for a list of components, each fed by the one before it."""
        ...


def below(model: Any, part: str | int) -> Any:
    """What stands under ``part`` of a config, a list or a mapping of names."""
    return getattr(model, str(part)) if isinstance(model, BaseModel) else model[part]


def is_mapping(annotation: object) -> bool:
    """Whether a type on a field is a mapping with keys of its own, and stands for no component."""
    return (
        isinstance(annotation, type)
        and issubclass(annotation, BaseModel)
        and "any_of_slot" not in vars(annotation)
    )


def takes_component(annotation: object) -> bool:
    """Whether a type on a slot's field is the component itself, and no number that may stand for it."""
    return isinstance(annotation, type) and issubclass(annotation, Config)

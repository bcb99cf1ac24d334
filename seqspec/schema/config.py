"""``Config``, the class that every component's configuration extends, and ``Slot``, the field that names a
component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

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

    def item(self, name: str, index: int, source: Type | Mapping[str, Type], **derived: object) -> Type:
        """Like ``node`` for one component of a list."""
        ...

    def nodes(self, name: str, source: Type, **derived: object) -> Type:
        """Like ``node`` for a list of components, each fed by the one before it."""
        ...

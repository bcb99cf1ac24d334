"""From plan nodes to objects: every component is made here, and nowhere else, from its config and its
inferred types.

Configs are handed over behind ``Tracked``, which notes each field that a component reads: a key that the
person wrote and the component never looks at is a mistake (law 3).
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Finding
from seqspec.schema.slot import slots

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan
    from seqspec.compile.plan.shared_part import SharedPart
    from seqspec.schema.source import Path
    from seqspec.schema.types import Type


class Constructor:
    """Builds the components of one plan and remembers what they read.

    ``lent`` is what parts that tasks share are taken from and put into, so that each is built once.
    """

    def __init__(self, plan: Plan, *, lent: Lent | None = None) -> None:
        self.plan = plan
        self.catalogue = Catalogue(tuple(plan.experiment.plugins))
        self.lent = lent
        self.built: dict[Path, Any] = {}
        """What was built, by its place in the experiment."""
        self._read: dict[Path, set[str]] = {}

    def has(self, *path: str | int) -> bool:
        """Whether the plan holds a component at ``path``."""
        return any(node.path == path for node in self.plan.nodes)

    def build(self, *path: str | int) -> Any:
        """The component at ``path``, its children through ``parts`` where it has any."""
        if self.lent is not None and (part := self.lent.part(self.plan.task, path)) is not None:
            if part not in self.lent.built:
                self._build(path)
                self.lent.put(part, path, self.built)
            self.built |= self.lent.at(part, path)
            return self.built[path]
        return self._build(path)

    def _build(self, path: Path) -> Any:
        node = self.plan.node(*path)
        config = self.config(path)
        cls = self.catalogue.module(*node.component)
        tracked = Tracked(config, self._read.setdefault(path, set()))
        self.note(path, *getattr(config, "read_beside", ()))
        wired = hasattr(config, "wire") and any(True for _ in slots(type(config)))
        parts = (Parts(self, path),) if wired else ()
        self.built[path] = cls(tracked, node.source, *parts)
        if self.catalogue.plugins:
            from seqspec.compile.build.plugin_promises import require_promises

            require_promises(self.built[path], slot=node.component[0], name=node.component[1])
        return self.built[path]

    def config(self, path: Path) -> Config:
        """The config at ``path`` of the experiment, inferred fields filled in."""
        found: Config = self.plan.config(path)
        return found

    def note(self, path: Path, *names: str) -> None:
        """Whoever builds the component at ``path`` reads these fields of it itself."""
        self._read.setdefault(path, set()).update(names)

    def unread(self) -> Iterator[Finding]:
        """Keys that were written for a component built so far and that it never read."""
        for path, seen in self._read.items():
            config = self.config(path)
            for field in sorted(config.model_fields_set & set(type(config).model_fields) - seen):
                slot, name = config.component
                yield Finding(
                    at=(*path, field),
                    message=f"{slot} `{name}` never reads `{field}` as it is set up here",
                    help="take the key out, or choose the settings under which it counts",
                    code="SQ209",
                    on_key=True,
                )


class Lent:
    """The modules of parts that tasks share, by the part's own place."""

    def __init__(self, shared: Sequence[SharedPart]) -> None:
        self.built: dict[Path, dict[Path, Any]] = {}
        """The module of each part, and those inside it, by their place in the part."""
        self._parts = {place: one.part for one in shared for place in one.places}

    def part(self, task: str, place: Path) -> Path | None:
        """The shared part that stands at a place of a task; ``None`` where it is the task's own."""
        return self._parts.get((task, place))

    def put(self, part: Path, place: Path, built: Mapping[Path, Any]) -> None:
        """Keep what was built at ``place`` as the part."""
        depth = len(place)
        self.built[part] = {path[depth:]: module for path, module in built.items() if path[:depth] == place}

    def at(self, part: Path, place: Path) -> dict[Path, Any]:
        """The part as it stands at ``place``."""
        return {(*place, *path): module for path, module in self.built[part].items()}


class Parts:
    """Hands a component its built children by the name of the field."""

    def __init__(self, constructor: Constructor, path: Path) -> None:
        self._constructor = constructor
        self._path = path

    def __call__(self, name: str) -> Any:
        """The child in field ``name``; ``None`` where the field is empty."""
        self._note(name)
        held = getattr(self._constructor.config(self._path), name)
        return None if held is None else self._constructor.build(*self._path, name)

    def gives(self, name: str) -> Type:
        """What the child in field ``name`` gives."""
        found: Type = self._constructor.plan.node(*self._path, name).gives
        return found

    def list(self, name: str) -> list[Any]:
        """The children in list field ``name``."""
        self._note(name)
        count = len(getattr(self._constructor.config(self._path), name))
        return [self._constructor.build(*self._path, name, index) for index in range(count)]

    def copies(self, name: str, count: int) -> Sequence[Any]:
        """As many modules of the one component in field ``name``, each with weights of its own; the part of
        the experiment is all of them.
        """
        from torch import nn

        self._note(name)
        path = (*self._path, name)
        built = self._constructor.built
        made: dict[Path, Any] = {}
        for _ in range(count):
            self._constructor.build(*path)
            for place in [place for place in built if place[: len(path)] == path]:
                made.setdefault(place, []).append(built[place])
        built.update({place: nn.ModuleList(modules) for place, modules in made.items()})
        found: list[Any] = made.get(path, [])
        return found

    def named(self, name: str) -> dict[str, Any]:
        """The children in field ``name``, a mapping of names, in their order; empty where the field is."""
        self._note(name)
        held = getattr(self._constructor.config(self._path), name) or {}
        for key in held:
            self._constructor.note((*self._path, name, key), "on")  # inference has read it
        return {key: self._constructor.build(*self._path, name, key) for key in sorted(held)}

    def _note(self, name: str) -> None:
        self._constructor._read.setdefault(self._path, set()).add(name)


class Tracked:
    """A config that notes which of its fields are read, through its own methods too."""

    __slots__ = ("_config", "_seen")

    def __init__(self, config: BaseModel, seen: set[str]) -> None:
        object.__setattr__(self, "_config", config)
        object.__setattr__(self, "_seen", seen)

    def __getattr__(self, name: str) -> Any:
        config = object.__getattribute__(self, "_config")
        if name in type(config).model_fields:
            object.__getattribute__(self, "_seen").add(name)
            return getattr(config, name)
        if hasattr(BaseModel, name):
            return getattr(config, name)
        declared = getattr(type(config), name, None)
        if isinstance(declared, types.FunctionType):
            return types.MethodType(declared, self)
        if isinstance(declared, property) and declared.fget:
            return declared.fget(self)
        return getattr(config, name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a config is frozen: `{name}` cannot be set")

    def __reduce__(self) -> tuple[type, tuple[object, set[str]]]:
        return Tracked, (object.__getattribute__(self, "_config"), set())

    def __repr__(self) -> str:
        return repr(object.__getattribute__(self, "_config"))

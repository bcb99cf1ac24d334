"""Types on their way through the components of an experiment, and what is found on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from seqspec.compile.plan.plan import PlanNode
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Config, Mismatch
from seqspec.schema.diagnostic import DataError, Finding
from seqspec.schema.slot import slots
from seqspec.schema.source import Path, dotted
from seqspec.schema.types import Nothing, Number, Outputs, Poison, Type, Unknown

if TYPE_CHECKING:
    from seqspec.schema.hugging_face_folder import Folder


def on_disk(written: str) -> Folder | None:
    """The folder on this machine; ``None`` where the spec names a variable that is not set here.  Raises
    ``DataError``.
    """
    from seqspec.data.pretrained.hf_folder import named_here, open_folder

    return open_folder(written).as_folder() if named_here(written) else None


@dataclass
class Record:
    """What inference has found so far."""

    facts: Mapping[str, int]
    open: Callable[[str], Folder | None] = on_disk
    """Opens a folder in Hugging Face's layout."""
    nodes: list[PlanNode] = field(default_factory=list)
    inferred: dict[Path, object] = field(default_factory=dict)
    reasons: dict[Path, str] = field(default_factory=dict)
    own: dict[Path, dict[str, object]] = field(default_factory=dict)
    """The inferred fields of each component, by its path."""
    findings: list[Finding] = field(default_factory=list)
    outputs: dict[Path, Outputs] = field(default_factory=dict)
    """What a model gives by name, where that is more than one type."""
    givers: dict[int, tuple[Path, Type]] = field(default_factory=dict)
    """The component that first gave a type object, by the object's identity; holding the object keeps the
    identity.
    """

    def gave(self, path: Path, type_: Type) -> None:
        """Note that the component at ``path`` gives ``type_``, unless one inside it gave it already."""
        self.givers.setdefault(id(type_), (path, type_))

    def origins(self, types: Iterable[Type]) -> tuple[tuple[Path, str], ...]:
        """Where types come from, as labels for a diagnostic: "`data.audio.features` gives Frames(dim=80)
        here".  One that gives the same twice, as for two roles, is told once.
        """
        found = [self.givers[id(type_)] for type_ in types if id(type_) in self.givers]
        return tuple(dict.fromkeys((path, f"`{dotted(path)}` gives {type_} here") for path, type_ in found))

    def known(self, type_: Type) -> Type:
        """``type_`` with the unknowns that the facts name filled in."""
        changes = {
            name: self.facts[value.name]
            for name in type_.__dataclass_fields__
            if isinstance(value := getattr(type_, name), Unknown) and value.name in self.facts
        }
        return _replace(type_, changes) if changes else type_


@dataclass
class TypeFlow:
    """The position of inference at one component; the ``Flow`` that ``wire`` is handed."""

    config: Any
    path: Path
    record: Record
    poisoned: bool = False
    fields: tuple[str, ...] = ()
    """What the corpus gives, where this is the place of the data."""

    def node(self, name: str, source: Type | Mapping[str, Type], **derived: object) -> Type:
        return self._infer(getattr(self.config, name), (*self.path, name), source, derived)

    def fill(self, name: str, component: str, reason: str) -> None:
        """Put a component with its defaults into a slot that the person left empty."""
        cls: type[Config] = type(self.config)
        config = _default(cls, name, component)
        self.config = self.config.model_copy(update={name: config})
        self.record.inferred[*self.path, name] = config
        self.record.reasons[*self.path, name] = reason

    def item(self, name: str, index: int | str, source: Type | Mapping[str, Type], **derived: object) -> Type:
        return self._infer(getattr(self.config, name)[index], (*self.path, name, index), source, derived)

    def nodes(self, name: str, source: Type, **derived: object) -> Type:
        for index in range(len(getattr(self.config, name))):
            source = self.item(name, index, source, **derived)
        return source

    def derive(self, field: str, value: object, reason: str, at: Path | None = None) -> Any:
        """The person's own value where they stated one: equal to what follows, or the conflict is noted.

        ``at`` is the place that decides the value, seen from the component; it is shown beside a conflict.
        """
        stated = getattr(self.config, field)
        place = (*self.path, field)
        if stated is None:
            self.record.inferred[place] = value
            self.record.reasons[place] = reason
            self.record.own.setdefault(self.path, {})[field] = None if isinstance(value, Unknown) else value
            return value
        if stated != value and not isinstance(value, Unknown):
            self.fault(
                (field,),
                f"`{field}` is {stated} here, but {value} follows from the rest of the experiment",
                help=f"{reason}; leave `{field}` out, or make the two agree",
                code="SQ201",
                also=self._deciding(value, at),
            )
        return stated

    def folder(self, written: str) -> Folder | None:
        """What a folder in Hugging Face's layout says, as the record opens folders."""
        try:
            return self.record.open(written)
        except DataError as error:
            raise Mismatch(error.message, at=("from",), help=error.help, code=error.code) from None

    def _deciding(self, value: object, at: Path | None) -> tuple[tuple[Path, str], ...]:
        """The place that decides ``value``: the one that was told, or the last component that gives a type
        with it.
        """
        if at is not None:
            return (((*self.path, *at), f"{value} follows from this"),)
        for node in reversed(self.record.nodes):
            if any(getattr(node.gives, name) == value for name in node.gives.__dataclass_fields__):
                path, type_ = self.record.givers.get(id(node.gives), (node.path, node.gives))
                return ((path, f"`{dotted(path)}` gives {type_} here"),)
        return ()

    def fault(
        self,
        at: tuple[str | int, ...],
        message: str,
        *,
        help: str | None = None,
        code: str = "SQ200",
        also: tuple[tuple[Path, str], ...] = (),
    ) -> None:
        self.record.findings.append(Finding((*self.path, *at), message, help=help, code=code, also=also))

    def note(self, name: str, source: Type | Mapping[str, Type], gives: Type) -> None:
        config: Config = getattr(self.config, name)
        takes = _takes(source)
        self.record.nodes.append(
            PlanNode((*self.path, name), config.component, takes, gives, named=not isinstance(source, Type))
        )

    def _infer(
        self, config: Config, path: Path, source: Type | Mapping[str, Type], derived: Mapping[str, object]
    ) -> Type:
        below = TypeFlow(config, path, self.record)
        for field_, value in derived.items():
            given = value if isinstance(value, tuple) else (value, "follows from what stands before it")
            below.derive(field_, *given)
        takes = _takes(source)
        if any(type(type_) is Poison for _, type_ in takes):
            return Poison()
        own = self.record.own.get(path)
        below.config = config.model_copy(update=own) if own else config
        at = len(self.record.nodes)
        try:
            gives = _apply(below, source)
        except Mismatch as mismatch:
            # Types on the edges explain a mismatch between components, not what is wrong with a folder.
            also = self.record.origins(type_ for _, type_ in takes) if mismatch.code == "SQ200" else ()
            handed = mismatch.at[:1] == ("from",) and (*path, "from") in self.record.inferred
            place = TypeFlow(config, path[:-1], self.record) if handed else below
            place.fault(mismatch.at, mismatch.message, help=mismatch.help, also=also, code=mismatch.code)
            return Poison()
        outputs = gives if isinstance(gives, Outputs) else Outputs({"output": gives})
        known = {name: self.record.known(_name_unknowns(type_, path)) for name, type_ in outputs.items()}
        self.record.outputs[path] = outputs = Outputs(known)
        self.record.gave(path, outputs.main)
        more = tuple(known.items()) if isinstance(gives, Outputs) else ()
        node = PlanNode(path, config.component, takes, outputs.main, not isinstance(source, Type), more)
        self.record.nodes.insert(at, node)
        return outputs.main


@cache
def _default(cls: type[Config], slot: str, component: str) -> Config:
    """A component as it is without a setting, for the field ``slot`` of ``cls``."""
    catalogue = Catalogue()
    found = catalogue.config(dict(slots(cls))[slot], component)
    return found.model_validate({}, context=catalogue)


def _apply(flow: TypeFlow, source: Type | Mapping[str, Type]) -> Type | Outputs:
    config = flow.config
    cls: type[Config] = type(config)
    match _way(cls):
        case "wire":
            wired: Type | Outputs = config.wire(source, flow)
            return wired
        case "output":
            given: Type = config.output(source)
            return given
    return source if isinstance(source, Type) else Nothing()


@cache
def _way(cls: type[Config]) -> Literal["wire", "output", "none"]:
    """How a component says what it gives."""
    return "wire" if hasattr(cls, "wire") else "output" if hasattr(cls, "output") else "none"


def _takes(source: Type | Mapping[str, Type]) -> tuple[tuple[str, Type], ...]:
    return (("source", source),) if isinstance(source, Type) else tuple(source.items())


def _name_unknowns(type_: Type, path: Path) -> Type:
    """An unknown that a component leaves unnamed is named after the component's place."""
    changes = {
        name: Unknown(f"{dotted(path)}.{name}")
        for name in type_.__dataclass_fields__
        if isinstance(value := getattr(type_, name), Unknown) and not value.name
    }
    return _replace(type_, changes) if changes else type_


def _replace(type_: Any, changes: Mapping[str, Number]) -> Type:
    from dataclasses import replace

    changed: Type = replace(type_, **changes)
    return changed

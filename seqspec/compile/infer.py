"""Inference: types flow source → fields → encoder → decoder → head → loss, and every number that follows is
filled in.

Nothing here knows a single component: a leaf says ``output(source)``, a component with slots says
``wire(source, flow)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from seqspec.compile.plan import Plan, PlanNode, Provenance
from seqspec.compile.report import locate
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Config, Mismatch, slots
from seqspec.schema.diagnostic import Diagnostic, Finding
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Path, Tree, dotted
from seqspec.schema.types import Nothing, Number, Poison, States, Type, Unknown


def infer(
    experiment: Experiment, tree: Tree, *, facts: Mapping[str, int]
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan, as far as it can be made, and every mismatch on the way."""
    record = _Record(facts=facts)
    data = _Flow(experiment.data, ("data",), record)
    given = _data_types(data)
    flow = _Flow(experiment, (), record)
    gives = flow.node("model", given)
    flow.node("loss", gives)
    flow.node("optimizer", {"model": _width(record, gives)})
    judged = _Flow(experiment.evaluate, ("evaluate",), record)
    if experiment.evaluate.search is not None:
        judged.node("search", gives)
    for index in range(len(experiment.evaluate.metrics)):
        judged.item("metrics", index, {"target": given.get("target", Poison()), "given": gives})
    filled = _fill(experiment, record.inferred)
    provenance = Provenance(tree, record.reasons)
    plan = Plan(filled, tuple(record.nodes), provenance, tuple(sorted(facts.items())))
    return plan, tuple(locate(finding, tree) for finding in record.findings)


def _width(record: _Record, gives: Type) -> Type:
    """The hidden states that carry the model's width: its encoder's, else its decoder's."""
    if isinstance(gives, Poison):
        return gives
    found = {node.path[1:]: node.gives for node in record.nodes if node.path[:1] == ("model",)}
    states = (found.get((name,)) for name in ("encoder", "decoder"))
    return next((type_ for type_ in states if isinstance(type_, States)), Nothing())


def _data_types(flow: _Flow) -> dict[str, Type]:
    """What reaches the model: the adapter's roles after every declared step."""
    data = flow.config
    try:
        roles = data.source.roles()
    except Mismatch as mismatch:
        flow.fault(("source", *mismatch.at), mismatch.message, help=mismatch.help)
        return {"source": Poison(), "target": Poison()}
    flow.note("source", {}, next(iter(roles.values())))
    given: dict[str, Type] = {}
    flow.fields = tuple(roles)
    for role, raw in roles.items():
        flow.record.gave((*flow.path, "source"), raw)
        given[role] = _role(flow, role, raw) if _alone(flow, role, roles) else Poison()
    return given


def _alone(flow: _Flow, role: str, roles: Mapping[str, Type]) -> bool:
    """Whether steps that an audio field shares with an earlier one read the same type; else it is noted."""
    from seqspec.schema.types import Waveform

    audio, raw = flow.config.audio, roles[role]
    if audio is None or not isinstance(raw, Waveform) or _misnames(flow, audio.fields):
        return True
    for other, type_ in roles.items():
        if other == role:
            return True
        if isinstance(type_, Waveform) and type_ != raw and audio.place(role) == audio.place(other):
            flow.fault(
                ("audio",),
                f"`{other}` is {type_} and `{role}` is {raw}, and both go through the same steps",
                help=f"give one its own: `audio: {{fields: {{{role}: {{features: …}}}}}}`",
            )
            return False
    return True


def _misnames(flow: _Flow, named: Iterable[str]) -> bool:
    """Whether steps stand under a name that the corpus lacks: a rule tells that, and what lacks steps then is
    no second mistake.
    """
    return any(name not in flow.fields for name in named)


def _role(flow: _Flow, role: str, raw: Type) -> Type:
    from seqspec.schema.types import Image, Text, Waveform

    data = flow.config
    match raw:
        case Text():
            place, pipeline = data.text.place(role), data.text.pipeline(role)
            if pipeline is None and _misnames(flow, data.text.fields):
                return Poison()
            if pipeline is None:
                usual = role in ("source", "target")
                own, name = f"{role}: {{tokenizer: …}}", role if usual else f"fields.{role}"
                flow.fault(
                    (),
                    f"the corpus gives text as its {role}, and `data.text.{name}` does not cut it up",
                    help=f"add `text: {{{own if usual else f'fields: {{{own}}}'}}}` under `data`",
                )
                return Poison()
            below = _Flow(pipeline, (*flow.path, "text", *place), flow.record)
            below.nodes("normalize", raw)
            if pipeline.segment is not None:
                below.node("segment", raw)
            return below.node("tokenizer", raw)
        case Waveform():
            if data.audio is None:
                flow.fault(
                    (),
                    f"the corpus gives audio as its {role}, and `data.audio` is not there",
                    help="add `audio: {features: log_mel}` under `data`",
                )
                return Poison()
            steps = data.audio.pipeline(role)
            below = _Flow(steps, (*flow.path, "audio", *data.audio.place(role)), flow.record)
            return below.nodes("augment", below.node("features", raw))
        case Image():
            if data.image is None:
                return raw
            steps = data.image.pipeline(role)
            below = _Flow(steps, (*flow.path, "image", *data.image.place(role)), flow.record)
            return below.nodes("augment", raw)
    return flow.record.known(raw)


@dataclass
class _Record:
    """What inference has found so far."""

    facts: Mapping[str, int]
    nodes: list[PlanNode] = field(default_factory=list)
    inferred: dict[Path, object] = field(default_factory=dict)
    reasons: dict[Path, str] = field(default_factory=dict)
    own: dict[Path, dict[str, object]] = field(default_factory=dict)
    """The inferred fields of each component, by its path."""
    findings: list[Finding] = field(default_factory=list)
    givers: dict[int, tuple[Path, Type]] = field(default_factory=dict)
    """The component that first gave a type object, by the object's identity; holding the object keeps the
    identity.
    """

    def gave(self, path: Path, type_: Type) -> None:
        """Note that the component at ``path`` gives ``type_``, unless one inside it gave it already."""
        self.givers.setdefault(id(type_), (path, type_))

    def origins(self, types: Iterable[Type]) -> tuple[tuple[Path, str], ...]:
        """Where types come from, as labels for a diagnostic: "`data.audio.features` gives Frames(dim=80)
        here".
        """
        found = [self.givers[id(type_)] for type_ in types if id(type_) in self.givers]
        return tuple((path, f"`{dotted(path)}` gives {type_} here") for path, type_ in found)

    def known(self, type_: Type) -> Type:
        """``type_`` with the unknowns that the facts name filled in."""
        changes = {
            name: self.facts[value.name]
            for name in type_.__dataclass_fields__  # type: ignore[attr-defined]
            if isinstance(value := getattr(type_, name), Unknown) and value.name in self.facts
        }
        return _replace(type_, changes) if changes else type_


@dataclass
class _Flow:
    """The position of inference at one component; the ``Flow`` that ``wire`` is handed."""

    config: Any
    path: Path
    record: _Record
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

    def item(self, name: str, index: int, source: Type | Mapping[str, Type], **derived: object) -> Type:
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

    def _deciding(self, value: object, at: Path | None) -> tuple[tuple[Path, str], ...]:
        """The place that decides ``value``: the one that was told, or the last component that gives a type
        with it.
        """
        if at is not None:
            return (((*self.path, *at), f"{value} follows from this"),)
        for node in reversed(self.record.nodes):
            if any(getattr(node.gives, name) == value for name in node.gives.__dataclass_fields__):  # type: ignore[attr-defined]
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
        below = _Flow(config, path, self.record)
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
            also = self.record.origins(type_ for _, type_ in takes)
            below.fault(mismatch.at, mismatch.message, help=mismatch.help, also=also)
            return Poison()
        gives = self.record.known(_name_unknowns(gives, path))
        self.record.gave(path, gives)
        self.record.nodes.insert(
            at, PlanNode(path, config.component, takes, gives, named=not isinstance(source, Type))
        )
        return gives


@cache
def _default(cls: type[Config], slot: str, component: str) -> Config:
    """A component as it is without a setting, for the field ``slot`` of ``cls``."""
    catalogue = Catalogue()
    found = catalogue.config(dict(slots(cls))[slot], component)
    return found.model_validate({}, context=catalogue)


def _apply(flow: _Flow, source: Type | Mapping[str, Type]) -> Type:
    config = flow.config
    cls: type[Config] = type(config)
    match _way(cls):
        case "wire":
            return config.wire(source, flow)  # type: ignore[no-any-return]
        case "output":
            return config.output(source)  # type: ignore[no-any-return]
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
        for name in type_.__dataclass_fields__  # type: ignore[attr-defined]
        if isinstance(value := getattr(type_, name), Unknown) and not value.name
    }
    return _replace(type_, changes) if changes else type_


def _replace(type_: Any, changes: Mapping[str, Number]) -> Type:
    from dataclasses import replace

    return replace(type_, **changes)  # type: ignore[no-any-return]


def _fill(model: Any, inferred: Mapping[Path, object]) -> Any:
    """``model`` with the inferred values written in, each at its path below it."""
    root = _Branch()
    for path, value in inferred.items():
        branch = root
        for part in path:
            branch = branch.below.setdefault(part, _Branch())
        branch.value = None if isinstance(value, Unknown) else value
    return _grown(model, root)


_AS_IT_IS: Any = object()


@dataclass(slots=True)
class _Branch:
    """What inference changes at one place, and below it."""

    value: Any = _AS_IT_IS
    below: dict[str | int, _Branch] = field(default_factory=dict)


def _grown(model: Any, branch: _Branch) -> Any:
    if branch.value is not _AS_IT_IS:
        model = branch.value
    below = branch.below
    if not below:
        return model
    if isinstance(model, list):
        return [_grown(item, below[at]) if at in below else item for at, item in enumerate(model)]
    if isinstance(model, dict):
        return {at: _grown(item, below[at]) if at in below else item for at, item in model.items()}
    return model.model_copy(update={name: _grown(getattr(model, str(name)), below[name]) for name in below})

"""One component alone, outside any experiment: a segmenter, a tokenizer, log-mel features, an encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from seqspec.compile.build.construct import Constructor
from seqspec.compile.infer.flow import Record, TypeFlow
from seqspec.compile.infer.infer import fill
from seqspec.compile.language.field_docs import field_docs
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.plan.plan import Plan
from seqspec.schema.catalogue import Catalogue, UnknownComponent
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.types import Text, Type

UNSAID: Type = Text("und")
"""What a component reads where nothing is said: text in no language in particular."""


def build_component(
    slot: str, written: str | Mapping[str, Any], *, source: Type | Mapping[str, Type] = UNSAID
) -> Any:
    """The built component of ``slot`` that ``written`` says, reading ``source``.

    ``written`` is what stands in a spec: a name, or a mapping with a ``type``.  Raises ``SpecError``.
    """
    return Constructor(plan_component(slot, written, source=source)).build("part")


def plan_component(
    slot: str,
    written: str | Mapping[str, Any],
    *,
    source: Type | Mapping[str, Type] = UNSAID,
    plugins: tuple[str, ...] = (),
) -> Plan:
    """The plan of an experiment of that one component, which stands at ``part``.  Raises ``SpecError``."""
    whole = _Alone(part=_config(slot, written, Catalogue(plugins)), plugins=plugins)
    record = Record(facts={})
    TypeFlow(whole, (), record).node("part", source)
    if record.findings:
        raise SpecError(tuple(Diagnostic(f.code, f.message, help=f.help) for f in record.findings))
    alone: Any = fill(whole, record.inferred)
    return Plan(alone, tuple(record.nodes))


class _Alone(BaseModel):
    """An experiment of one component."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    part: Any
    plugins: tuple[str, ...] = ()


def _config(slot: str, written: str | Mapping[str, Any], catalogue: Catalogue) -> Config:
    settings = {"type": written} if isinstance(written, str) else dict(written)
    name = settings.pop("type", None)
    if not isinstance(name, str):
        raise SpecError(
            (Diagnostic("SQ105", f"a {slot} is named by its `type`", help=_has(slot, catalogue)),)
        )
    try:
        cls = catalogue.config(slot, name)
    except UnknownComponent:
        near = nearest(name, catalogue.names(slot))
        help = f"did you mean `{near}`?" if near else _has(slot, catalogue)
        raise SpecError((Diagnostic("SQ103", f"there is no {slot} `{name}`", help=help),)) from None
    try:
        return cls.model_validate(settings, context=catalogue)
    except ValidationError as error:
        raise SpecError(tuple(_complaints(error, cls, f"{slot} `{name}`"))) from None


def _has(slot: str, catalogue: Catalogue) -> str:
    return (
        f"there are {', '.join(catalogue.names(slot))}" if catalogue.names(slot) else f"`{slot}` is no slot"
    )


def _complaints(error: ValidationError, cls: type[Config], whose: str) -> Iterator[Diagnostic]:
    for one in error.errors(include_url=False):
        place = ".".join(map(str, one["loc"]))
        if one["type"] == "extra_forbidden":
            near = nearest(place, cls.model_fields)
            help = f"did you mean `{near}`?" if near else f"it has {', '.join(cls.model_fields)}"
            yield Diagnostic("SQ101", f"`{place}` is not a key of {whose}", help=help)
        elif one["type"] == "missing":
            yield Diagnostic("SQ102", f"{whose} needs `{place}`", help=field_docs(cls).get(place))
        else:
            told = f"`{place}` of {whose} cannot be {one['input']!r}: {one['msg'].lower()}"
            yield Diagnostic("SQ106", told)

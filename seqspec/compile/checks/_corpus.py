"""What several rules ask about the corpus: languages, pipelines, splits, rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from pydantic import AfterValidator, BaseModel

from seqspec.compile.language.expected_schema import shapes
from seqspec.compile.plan.plan import Plan
from seqspec.schema.config import Mismatch
from seqspec.schema.environment import MayName
from seqspec.schema.slot import find_marks
from seqspec.schema.source import Path
from seqspec.schema.types import Frames, Poison, Text, Type, Waveform


class Pipeline(NamedTuple):
    """One text pipeline and the language that goes through it."""

    path: Path
    config: Any
    language: str


def roles(plan: Plan) -> Mapping[str, Type]:
    """What the corpus gives, before any step; ``Poison`` where inference found that it cannot tell."""
    try:
        return plan.experiment.data.source.roles()
    except Mismatch:
        return {"source": Poison(), "target": Poison()}


def pipelines(plan: Plan) -> Iterator[Pipeline]:
    """Every role that is text, with the pipeline that it goes through."""
    text = plan.experiment.data.text
    for role, type_ in roles(plan).items():
        config = text.pipeline(role) if isinstance(type_, Text) else None
        if config is not None and isinstance(type_, Text):
            yield Pipeline(("data", "text", *text.place(role)), config, type_.language)


def has_audio(plan: Plan) -> bool:
    """Whether any role is sound."""
    return any(isinstance(type_, Waveform) for type_ in roles(plan).values())


def frame_rate(plan: Plan) -> Fraction | int:
    """Feature frames a second of the first field that has them; 0 where none has."""
    return next((rate for rate in frame_rates(plan).values() if rate), 0)


def frame_rates(plan: Plan) -> dict[str, Fraction | int]:
    """Frames a second of every field that has a rate, by the field's name."""
    audio = plan.experiment.data.audio
    given = {node.path: node.gives for node in plan.nodes if node.component[0] == "feature"}
    found: dict[str, Fraction | int] = {}
    for role, type_ in roles(plan).items():
        if isinstance(type_, Waveform) and audio is not None:
            type_ = given.get(("data", "audio", *audio.place(role), "features"), type_)
        if isinstance(type_, Frames) and type_.rate:
            found[role] = type_.rate
    return found


def split_field(plan: Plan) -> tuple[str, Mapping[str, Any]] | None:
    """The adapter's field that says what each split is made of, and what it says."""
    source = plan.experiment.data.source
    for name in ("splits", "parts"):
        value = getattr(source, name, None)
        if isinstance(value, dict):
            return name, value
    return None


def configs_in(config: BaseModel, path: Path) -> list[tuple[Path, BaseModel]]:
    """``config`` and every config in it, each with its path."""
    found: list[tuple[Path, BaseModel]] = [(path, config)]
    for at, owner in found:  # grows as it is read
        held = owner.__dict__
        for name in _holders(type(owner)):
            value = held[name]
            if isinstance(value, list):
                found += [
                    ((*at, name, i), item) for i, item in enumerate(value) if isinstance(item, BaseModel)
                ]
            elif isinstance(value, dict):
                found += [
                    ((*at, name, key), item) for key, item in value.items() if isinstance(item, BaseModel)
                ]
            elif isinstance(value, BaseModel):
                found.append(((*at, name), value))
    return found


@cache
def _holders(cls: type[BaseModel]) -> tuple[str, ...]:
    """The fields that may hold configs."""
    return tuple(name for name, shape in shapes(cls).items() if shape.slot or shape.model)


@cache
def path_fields(cls: type[BaseModel]) -> frozenset[str]:
    """The fields of a config that hold paths of this machine, or names of files below one."""
    return frozenset(
        name
        for name, field in cls.model_fields.items()
        if any(True for _ in find_marks(field.annotation, field.metadata, MayName))
        or any(
            mark.func.__name__ == "_relative"
            for mark in find_marks(field.annotation, field.metadata, AfterValidator)
        )
    )

"""Outputs beside the main one: scores at inner states, and what parts of the model ask for themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, Logits, Outputs, Poison, States, Tokens, Type

OutputName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Heads = dict[OutputName, Annotated[Config, Slot("head")]]


def outputs_of(
    main: tuple[str, Type], model: Any, parts: tuple[str, ...], more: Mapping[str, Type] | None = None
) -> Outputs:
    """The main output, ``more``, and the auxiliary outputs of the model's ``parts``."""
    return Outputs({main[0]: main[1], **(more or {}), **dict(auxiliary_outputs(model, parts))})


def auxiliary_outputs(model: Any, parts: tuple[str, ...]) -> Iterator[tuple[str, Type]]:
    """What the parts work out beside their states: ``encoder.halting`` and the like."""
    for part in parts:
        given = getattr(getattr(model, part), "auxiliary", None)
        for name, weight in given().items() if given is not None else ():
            yield f"{part}.{name}", weight if isinstance(weight, Auxiliary) else Auxiliary(weight)


def wire_heads(
    heads: Heads | None, flow: Flow, *, main: str, states: Mapping[str, Type], target: Type
) -> dict[str, Type]:
    """The further outputs, each a head on the states of a part of the model.

    Scores at the states of a source are aligned with the target by CTC, so their id 0 is the blank.
    """
    found: dict[str, Type] = {}
    for name, head in sorted((heads or {}).items()):
        place = getattr(head, "on", None)
        if name == main:
            raise Mismatch(
                f"`{main}` is the model's own output", at=("outputs", name), help="choose another name"
            )
        if place not in states:
            raise Mismatch(
                f"output `{name}` names no part of the model"
                if place is None
                else f"there is no part `{place}`",
                at=("outputs", name) if place is None else ("outputs", name, "on"),
                help=f"write `on:` with one of {', '.join(f'`{part}`' for part in states)}",
            )
        found[name] = _scored(name, flow, states[str(place)], target)
    return found


def _scored(name: str, flow: Flow, states: Type, target: Type) -> Type:
    if isinstance(states, States | Poison) and isinstance(target, Tokens | Poison):
        logits = flow.item("outputs", name, {"hidden": states, "target": target})
        return replace(logits, blank=True) if isinstance(logits, Logits) else logits
    raise Mismatch(f"a further output scores tokens at states, and this is {states}", at=("outputs", name))

"""The search of a program: the spec's, or the greedy one that fits the model where the spec names none."""

from __future__ import annotations

from typing import Any

from seqspec.compile.build import Program
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import Logits


def search_of(program: Program) -> Any:
    """What ``model.decode`` is given."""
    name = _left_out(program)
    if name is None:
        return program.search
    catalogue = Catalogue()
    config = catalogue.config("search", name).model_validate({}, context=catalogue)
    return catalogue.module("search", name)(config, program.plan.node("model").gives)


def search_record(program: Program) -> dict[str, Any] | None:
    """The search by its type and settings, as plain data; ``None`` where the model is not searched."""
    name, config = _left_out(program), program.plan.experiment.evaluate.search
    if name is not None:
        config = Catalogue().config("search", name).model_validate({}, context=Catalogue())
    if config is None:
        return None
    fields = {key: value for key, value in config.model_dump(mode="json").items() if value is not None}
    return {"type": config.component[1], **fields}


def _left_out(program: Program) -> str | None:
    """The greedy search that stands in where the spec names none and the model needs one."""
    gives = program.plan.node("model").gives
    if program.search is not None or not isinstance(gives, Logits) or not gives.stride:
        return None
    return "ctc_greedy" if gives.blank else "greedy"

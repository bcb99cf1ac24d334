"""The search of a program: the spec's, or the greedy one that fits the model where the spec names none."""

from __future__ import annotations

from typing import Any

from seqspec.compile.build.program import Program
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import Logits


def search_of(program: Program) -> Any:
    """What ``model.decode`` is given."""
    gives = program.plan.node("model").gives
    if program.search is not None or not isinstance(gives, Logits) or not gives.stride:
        return program.search
    catalogue = Catalogue()
    name = "ctc_greedy" if gives.blank else "greedy"
    config = catalogue.config("search", name).model_validate({}, context=catalogue)
    return catalogue.module("search", name)(config, gives)

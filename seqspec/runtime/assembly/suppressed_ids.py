"""A model learns from the text steps of its target which ids its folder suppresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.compile.build.program import Program
from seqspec.components.search._suppressed import Suppressed

if TYPE_CHECKING:
    from seqspec.data.stages.parts import TextSteps


def tell_suppressed(program: Program, text: Mapping[str, TextSteps]) -> None:
    """Where the tokenizer of the target knows such ids, and the model heeds them."""
    told = getattr(getattr(text.get("target"), "tokenizer", None), "suppressed", None)
    model: Any = program.model
    if told is not None and hasattr(model, "suppressed"):
        found = Suppressed(*told())
        model.suppressed = found if found != Suppressed() else None

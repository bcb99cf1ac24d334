"""What only the data know, for parts of a program that ask: names of classes, and suppressed ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.compile.build.program import Program
from seqspec.components.search._suppressed import Suppressed

if TYPE_CHECKING:
    from seqspec.data.stages.parts import TextSteps
    from seqspec.data.stages.prepare import Prepared
    from seqspec.runtime.assembly.assembled import Kept

ROLE = "target"
"""The field whose labels are compared, and whose tokenizer knows ids that a folder suppresses."""


def give_facts(program: Program, data: Prepared | Kept) -> None:
    """Give the losses, the metrics and the model of one task what they ask of its data."""
    if ROLE in data.labels:
        _give_classes(program, data.labels[ROLE], data.label_counts.get(ROLE))
    _give_suppressed(program, data.parts.text)


def _give_classes(program: Program, names: tuple[str, ...], counts: tuple[int, ...] | None) -> None:
    """Give every loss and metric that asks for it the names of the classes and how many examples of each were
    learned from.
    """
    for one in (*(loss.criterion for loss in program.losses.named.values()), *program.metrics):
        know = getattr(one, "know_classes", None)
        if know is not None:
            know(names, counts)


def _give_suppressed(program: Program, text: Mapping[str, TextSteps]) -> None:
    """Where the tokenizer of the target knows such ids, and the model heeds them."""
    told = getattr(getattr(text.get(ROLE), "tokenizer", None), "suppressed", None)
    model: Any = program.model
    if told is not None and hasattr(model, "suppressed"):
        found = Suppressed(*told())
        model.suppressed = found if found != Suppressed() else None

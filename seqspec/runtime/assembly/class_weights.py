"""Losses and metrics that name classes learn which classes there are, once the data have told."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.compile.build.program import Program

ROLE = "target"
"""The field whose labels they compare."""


def tell_classes(
    program: Program, labels: Mapping[str, tuple[str, ...]], counts: Mapping[str, tuple[int, ...]]
) -> None:
    """Tell every loss and metric that asks for it the names of the classes and how many examples of each were
    learned from.
    """
    if ROLE not in labels:
        return
    for one in (*(loss.criterion for loss in program.losses.named.values()), *program.metrics):
        know = getattr(one, "know_classes", None)
        if know is not None:
            know(labels[ROLE], counts.get(ROLE))

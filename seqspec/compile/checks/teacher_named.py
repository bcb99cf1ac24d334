"""A loss that compares with a teacher whom nothing names.

A loss of distillation says under `teacher` whom it compares with, one of the names under `teachers`.

Example, in the spec of ``seqspec new mt``::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.5}
      soft: {type: distillation, on: tokens, teacher: bigg, weight: 0.5}
    teachers: {big: {from: runs/big}}

Use instead::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.5}
      soft: {type: distillation, on: tokens, teacher: big, weight: 0.5}
    teachers: {big: {from: runs/big}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.loss._loss import teacher_of

CODE = "SQ290"


def check(plan: Plan) -> Iterator[Finding]:
    known = tuple(plan.experiment.teachers or ())
    for path, loss in plan.losses.items():
        name = teacher_of(loss)
        if name is not None and name not in known:
            there = "name it under `teachers`; there is"
            yield Finding(
                (*path, "teacher"),
                f"there is no teacher `{name}`",
                help=nearest_or_listed(name, known, there=there, empty=f"{there} none"),
                also=((("teachers",), "the teachers"),) if known else (),
            )

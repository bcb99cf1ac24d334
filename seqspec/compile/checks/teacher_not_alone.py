"""Losses of which each compares with a teacher.

Evaluation asks no teacher, so one loss must read the targets; with a weight of 0 it is only measured.

Example, in the spec of ``seqspec new mt``::

    loss: null
    losses: {soft: {type: distillation, on: tokens, teacher: big}}
    teachers: {big: {from: runs/big}}

Use instead::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.0}
      soft: {type: distillation, on: tokens, teacher: big}
    teachers: {big: {from: runs/big}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.loss._loss import teacher_of

CODE = "SQ293"


def check(plan: Plan) -> Iterator[Finding]:
    held = plan.losses
    if held and all(teacher_of(loss) is not None for loss in held.values()):
        yield Finding(
            next(iter(held)) if len(held) == 1 else ("losses",),
            "every loss compares with a teacher, and evaluation asks none",
            help="add a loss on the targets under `losses`; with `weight: 0.0` it is only measured",
            on_key=len(held) > 1,
        )

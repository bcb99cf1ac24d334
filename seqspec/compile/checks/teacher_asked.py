"""A teacher that no loss compares with.

It would be loaded, and run for nothing; a loss names it under `teacher`.

Example, in the spec of ``seqspec new mt``::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.5}
      soft: {type: distillation, on: tokens, teacher: big, weight: 0.5}
    teachers: {big: {from: runs/big}, slow: {ema: 0.999}}

Use instead::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.5}
      soft: {type: distillation, on: tokens, teacher: big, weight: 0.5}
    teachers: {big: {from: runs/big}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.loss._loss import teacher_of

CODE = "SQ291"
WHOLE = True


def check(plan: Plan) -> Iterator[Finding]:
    asked = {teacher_of(loss) for one in plan.each.values() for loss in one.losses.values()}
    known = plan.experiment.teachers or {}
    if asked - {None} - known.keys():
        return  # A misspelt name is told as such.
    for name in known:
        if name not in asked:
            yield Finding(
                ("teachers", name),
                f"no loss compares with the teacher `{name}`",
                help=f"add a loss with `teacher: {name}`, such as `distillation`, or take it out",
                on_key=True,
                also=((("losses",), "none of these does"),),
            )

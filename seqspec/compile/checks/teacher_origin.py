"""A teacher that is both a run and a moving average, or neither.

`from` names the run directory of a teacher; `ema` makes one of the trained weights themselves.

Example, in the spec of ``seqspec new mt``::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.5}
      soft: {type: distillation, on: tokens, teacher: big, weight: 0.5}
    teachers: {big: {from: runs/big, ema: 0.999}}

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

CODE = "SQ292"


def check(plan: Plan) -> Iterator[Finding]:
    for name, teacher in (plan.experiment.teachers or {}).items():
        if (teacher.run is None) != (teacher.ema is None):
            continue
        both = teacher.run is not None
        what = "both a run and an average" if both else "neither a run nor an average"
        yield Finding(
            ("teachers", name, "ema") if both else ("teachers", name),
            f"the teacher `{name}` is {what}",
            help="keep one of `from` and `ema`" if both else "write `from: RUN`, or `ema: 0.999`",
        )

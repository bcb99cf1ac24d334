"""A teacher whose answers are to be kept, while what it reads changes.

With `answers: example` a teacher reads each example once. Augmentation, packing and a teacher that moves with the student would make an answer of an earlier epoch another one.

Example, in the spec of ``seqspec new mt``::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.5}
      soft: {type: distillation, on: tokens, teacher: big, weight: 0.5}
    teachers: {big: {ema: 0.999, answers: example}}

Use instead::

    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens, weight: 0.5}
      soft: {type: distillation, on: tokens, teacher: big, weight: 0.5}
    teachers: {big: {from: runs/big, answers: example}}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path, dotted

CODE = "SQ398"


def check(plan: Plan) -> Iterator[Finding]:
    for name, teacher in (plan.experiment.teachers or {}).items():
        if teacher.answers != "example":
            continue
        at = ("teachers", name, "answers")
        changing = next(_changing(plan.experiment.data, ("data",)), None)
        if teacher.run is None and teacher.ema is not None:
            also = ((("teachers", name, "ema"), "it moves with every step"),)
            yield Finding(
                at, "a moving average answers otherwise at every step", help="take it out", also=also
            )
        elif changing is not None:
            message = f"`{dotted(changing)}` makes another input of an example in each epoch"
            help = f"write `answers: batch`, or take `{dotted(changing)}` out"
            yield Finding(at, message, help=help, also=((changing, "the input changes here"),))


def _changing(config: Any, at: Path) -> Iterator[Path]:
    """Places that say how examples change from epoch to epoch."""
    below = dict(config) if isinstance(config, BaseModel) else config if isinstance(config, dict) else {}
    for key, value in below.items():
        if key in ("augment", "pack") and value:
            yield (*at, key)
        else:
            yield from _changing(value, (*at, key))

"""A scale for the loss in arithmetic that needs none.

Only float16 has so few small numbers that gradients are lost without it; bfloat16 and float32 reach as far
down as gradients do, and the factor would never be used.

Example, in the spec of ``seqspec new mt``::

    train: {precision: bfloat16, loss_scale: {initial: 1024}}

Use instead::

    train: {precision: float16, loss_scale: {initial: 1024}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ408"


def check(plan: Plan) -> Iterator[Finding]:
    train = plan.experiment.train
    scale = train.loss_scale
    if scale is None:
        return
    if train.precision != "float16":
        yield Finding(
            ("train", "loss_scale"),
            f"a loss in {train.precision} is not scaled",
            help="take `loss_scale` out, or use `precision: float16`",
            on_key=True,
        )
    elif scale.least > scale.initial:
        yield Finding(
            ("train", "loss_scale", "least"),
            f"the scale begins at {scale.initial:g}, below its least of {scale.least:g}",
            help=f"at most {scale.initial:g}",
        )

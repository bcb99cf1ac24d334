"""Clipping that can never act, because larger gradients are dropped altogether.

Example, in the spec of ``seqspec new mt``::

    train: {clip_norm: 10.0, zero_above_norm: 5.0}

Use instead::

    train: {clip_norm: 1.0, zero_above_norm: 100.0}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ225"


def check(plan: Plan) -> Iterator[Finding]:
    train = plan.experiment.train
    if (
        train.clip_norm is not None
        and train.zero_above_norm is not None
        and train.zero_above_norm <= train.clip_norm
    ):
        yield Finding(
            ("train", "clip_norm"),
            f"gradients above {train.zero_above_norm:g} are dropped, so none is clipped",
            help="clip below the norm from which updates are dropped, or use one of the two",
            also=((("train", "zero_above_norm"), "dropped from here"),),
        )

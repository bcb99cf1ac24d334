"""Fewer than two checkpoints kept.

If the disk damages the only one, or the machine stops while the next is written, nothing is left to go on
from.

Example, in the spec of ``seqspec new mt``::

    train: {keep_last: 1}

Use instead::

    train: {keep_last: 2}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ217"


def check(plan: Plan) -> Iterator[Finding]:
    train = plan.experiment.train
    if train.keep_last < 2:
        yield Finding(
            ("train", "keep_last"),
            "one checkpoint is not enough: if it cannot be read, the run is lost",
            help="keep two or more",
        )
    every, period = train.keep_every_steps, train.checkpoint_every_steps
    if every is not None and every % period:
        yield Finding(
            ("train", "keep_every_steps"),
            f"checkpoints come every {period:,} steps, so few or none stand at a multiple of {every:,}",
            help=f"take a multiple of {period:,}",
            also=((("train", "checkpoint_every_steps"), "written this often"),),
        )

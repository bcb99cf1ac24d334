"""An average of the weights that never moves, or is no average.

``ema`` is the share of the old average that is kept at each step: at 1 the average stays what the weights
were before training, at 0 it is the newest weights.

Example, in the spec of ``seqspec new mt``::

    train: {ema: 1.0}

Use instead::

    train: {ema: 0.999}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ226"


def check(plan: Plan) -> Iterator[Finding]:
    match plan.experiment.train.ema:
        case 1.0:
            yield Finding(("train", "ema"), "an average with decay 1 never leaves the initial weights",
                          help="decays are close below 1, such as 0.999")  # fmt: skip
        case 0.0:
            yield Finding(
                ("train", "ema"), "an average with decay 0 is the newest weights", help="take `ema` out"
            )

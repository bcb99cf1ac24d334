"""Early stopping that nothing can set off.

It waits for evaluations while training and reads their first metric; without ``every_steps``, without a
metric, or with fewer evaluations in the whole run than it waits for, it never acts.

Example, in the spec of ``seqspec new mt``::

    evaluate: {every_steps: null, stop: {after: 3}}

Use instead::

    evaluate: {every_steps: 1000, stop: {after: 3}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ214"
OVERLAID = "warning"


def check(plan: Plan) -> Iterator[Finding]:
    evaluate, steps = plan.experiment.evaluate, plan.experiment.train.max_steps
    if evaluate.stop is None:
        return
    at = ("evaluate", "stop")
    if evaluate.every_steps is None:
        yield Finding(at, "early stopping waits for evaluations, and there are none while training",
                      help="set `evaluate.every_steps`")  # fmt: skip
    elif evaluate.stop.after * evaluate.every_steps >= steps:
        count = steps // evaluate.every_steps
        yield Finding(
            (*at, "after"),
            f"early stopping waits for {evaluate.stop.after} evaluations, and the run has {count}",
            help=f"wait for fewer than {max(count, 1)}, or take `stop` out",
            also=((("evaluate", "every_steps"), "one evaluation every so many steps"),
                  (("train", "max_steps"), f"{steps:,} steps in all")),
        )  # fmt: skip

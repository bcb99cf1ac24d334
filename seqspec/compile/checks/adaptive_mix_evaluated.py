"""A mix that follows evaluations which never come.

`train.mix: adaptive` reads the first metric of every task after each evaluation, so each task needs a metric and `evaluate.every_steps` a number.

Example, in the spec of ``seqspec new mt``::

    tasks: {first: {}, second: {}}
    train: {mix: {type: adaptive, expected: {first: 30, second: 20}}}
    evaluate: {every_steps: null}

Use instead::

    tasks: {first: {}, second: {}}
    train: {mix: {type: adaptive, expected: {first: 30, second: 20}}}
    evaluate: {every_steps: 100}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ397"
WHOLE = True


def check(plan: Plan) -> Iterator[Finding]:
    mix = plan.experiment.train.mix
    if not plan.tasks or not getattr(mix, "adapts", False):
        return
    at = ("train", "mix")
    if plan.experiment.evaluate.every_steps is None:
        also = ((("evaluate", "every_steps"), "no evaluation while training"),)
        message = "the mix follows evaluations, and there is none"
        yield Finding(at, message, help="set `evaluate.every_steps`, or take another mix", also=also)
        return
    for name, one in plan.tasks.items():
        if not one.experiment.evaluate.metrics:
            also = ((("tasks", name), "this task"),)
            message = f"the mix follows a metric of each task, and `{name}` has none"
            yield Finding(at, message, help="give it `evaluate: {metrics: […]}`", also=also)

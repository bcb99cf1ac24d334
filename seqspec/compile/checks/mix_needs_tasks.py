"""A mix or a score of several tasks in a spec that has one.

`train.mix` says how tasks take turns and `evaluate.score` whose metric counts; where there is one task, nothing reads them.

Example, in the spec of ``seqspec new mt``::

    train: {mix: proportional}

Use instead::

    train: {mix: null}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ288"


def check(plan: Plan) -> Iterator[Finding]:
    if plan.task:
        return
    experiment = plan.experiment
    for at, value in (
        (("train", "mix"), experiment.train.mix),
        (("evaluate", "score"), experiment.evaluate.score),
    ):
        if value is not None:
            message = f"`{at[-1]}` is of several tasks, and the spec has one"
            yield Finding(at, message, help="take it out, or give the spec `tasks`", on_key=True)

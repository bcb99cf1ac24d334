"""A mix, a score or cosines of several tasks in a spec that has one.

`train.mix` says how tasks take turns, `evaluate.score` whose metric counts, and `train.gradient_cosines` compares them; where there is one task, nothing reads them.

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
    if getattr(experiment.procedure, "joins", False) and not plan.tasks:
        message = f"`{experiment.procedure.component[1]}` joins several tasks, and the spec has one"
        yield Finding(("procedure",), message, help="take it out, or give the spec `tasks`", on_key=True)
    for at, value in (
        (("train", "mix"), experiment.train.mix),
        (("train", "gradient_cosines"), experiment.train.gradient_cosines or None),
        (("evaluate", "score"), experiment.evaluate.score),
    ):
        if value is not None:
            message = f"`{at[-1]}` is of several tasks, and the spec has one"
            yield Finding(at, message, help="take it out, or give the spec `tasks`", on_key=True)

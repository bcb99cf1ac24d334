"""Rungs of a sweep at which nothing can be compared.

At each rung the trials are compared by an evaluation while training, so a rung is a multiple of
`evaluate.every_steps`; rungs rise, and the last lies before the end of the run, which is a rung itself.

Example, in the spec of ``seqspec new mt``::

    evaluate: {every_steps: 1000}
    sweep: {space: {optimizer.schedule.peak: [1.0e-4, 1.0e-3]}, halving: {rungs: [500]}}

Use instead::

    evaluate: {every_steps: 1000}
    sweep: {space: {optimizer.schedule.peak: [1.0e-4, 1.0e-3]}, halving: {rungs: [1000]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ387"


def check(plan: Plan) -> Iterator[Finding]:
    sweep = plan.experiment.sweep
    if sweep is None or sweep.halving is None:
        return
    rungs = sweep.halving.rungs
    if why := unfit(plan, tuple(rungs)):
        index, message = why
        every = plan.experiment.evaluate.every_steps
        yield Finding(
            ("sweep", "halving", "rungs", index), message,
            help=f"take multiples of {every:,} below {plan.experiment.train.max_steps:,}, rising"
            if every else "set `evaluate.every_steps`",
        )  # fmt: skip


def unfit(plan: Plan, rungs: tuple[int, ...]) -> tuple[int, str] | None:
    """The first rung at which runs of this plan cannot be compared, and why."""
    every, last = plan.experiment.evaluate.every_steps, plan.experiment.train.max_steps
    for index, rung in enumerate(rungs):
        if every is None or rung % every:
            return index, f"there is no evaluation at step {rung:,} to compare trials by"
        if rung >= last:
            return index, f"the run ends at step {last:,}, before or at the rung of step {rung:,}"
        if index and rung <= rungs[index - 1]:
            return index, f"the rung of step {rung:,} comes after that of step {rungs[index - 1]:,}"
    return None

"""A sweep that chooses by a test split, or by a metric that nothing measures.

A test split that has chosen the setting can no longer test it: choose by a dev split, and evaluate the best
run on the test split once.

Example, in the spec of ``seqspec new mt``::

    sweep: {space: {optimizer.schedule.peak: [1.0e-4, 1.0e-3]}, metric: test.bleu}

Use instead::

    sweep: {space: {optimizer.schedule.peak: [1.0e-4, 1.0e-3]}, metric: dev.bleu}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ386"


def check(plan: Plan) -> Iterator[Finding]:
    sweep = plan.experiment.sweep
    if sweep is None or plan.tasks:
        return
    from seqspec.compile.plan.metric_names import metric_names  # few specs hold a sweep

    evaluate, at = plan.experiment.evaluate, ("sweep", "metric")
    measured = metric_names(evaluate.metrics)
    given = (sweep.metric or "").rpartition("/")[2]
    split, _, name = given.rpartition(".")
    if not measured:
        yield Finding(at[:1], "the sweep has no metric to choose by", help="add one to `evaluate.metrics`")
    elif split.startswith("test") or all(one.startswith("test") for one in evaluate.splits):
        split = split or evaluate.splits[0]
        yield Finding(at if given else at[:1],
                      f"a sweep must not choose by `{split}`: it would no longer test the best trial",
                      help="choose by a dev split, and test the best once")  # fmt: skip
    elif split and split not in evaluate.splits:
        yield Finding(at, f"the spec does not evaluate on `{split}`",
                      help=f"`evaluate.splits` has {', '.join(evaluate.splits)}")  # fmt: skip
    elif name and name not in measured:
        yield Finding(at, f"the spec does not measure `{name}`",
                      help=f"`evaluate.metrics` has {', '.join(measured)}")  # fmt: skip

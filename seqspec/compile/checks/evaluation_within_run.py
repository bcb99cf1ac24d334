"""A period that is longer than the run.

What happens every so many steps then never happens while training: no curve, no choice among checkpoints, no
averages.  Evaluation at the end of the run is not affected; leave ``every_steps`` out for that alone.

Example, in the spec of ``seqspec new mt``::

    train: {max_steps: 1000}
    optimizer: {schedule: {warmup_steps: 100}}
    evaluate: {every_steps: 5000}

Use instead::

    train: {max_steps: 20000}
    optimizer: {schedule: {warmup_steps: 100}}
    evaluate: {every_steps: 5000}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path

CODE = "SQ215"
OVERLAID = "warning"


def check(plan: Plan) -> Iterator[Finding]:
    steps = plan.experiment.train.max_steps
    for at, period, what in _periods(plan):
        if period > steps:
            yield Finding(
                at,
                f"{what} every {period:,} steps never comes in a run of {steps:,}",
                help=f"choose a period of at most {steps:,}",
                also=((("train", "max_steps"), "the run ends here"),),
            )


def _periods(plan: Plan) -> Iterator[tuple[Path, int, str]]:
    train, every = plan.experiment.train, plan.experiment.evaluate.every_steps
    if every is not None:
        yield ("evaluate", "every_steps"), every, "an evaluation"
    if "checkpoint_every_steps" in train.model_fields_set:
        yield ("train", "checkpoint_every_steps"), train.checkpoint_every_steps, "a checkpoint"
    if train.keep_every_steps is not None:
        yield ("train", "keep_every_steps"), train.keep_every_steps, "a checkpoint to keep"
    if train.weight_noise is not None and train.weight_noise.from_step:
        yield ("train", "weight_noise", "from_step"), train.weight_noise.from_step, "noise on the weights"

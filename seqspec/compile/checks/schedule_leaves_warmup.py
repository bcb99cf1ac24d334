"""A learning rate that is still rising when the run ends.

The peak is never reached, so the schedule after it is dead and the optimiser crawls.

Example, in the spec of ``seqspec new mt``::

    train: {max_steps: 4000}
    optimizer: {schedule: {warmup_steps: 4000}}

Use instead::

    train: {max_steps: 40000}
    optimizer: {schedule: {warmup_steps: 4000}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path

CODE = "SQ216"
OVERLAID = "warning"


def check(plan: Plan) -> Iterator[Finding]:
    steps = plan.experiment.train.max_steps
    warmups = (
        found
        for path, config in plan.optimizers.items()
        for found in _warmups(getattr(config, "schedule", None), (*path, "schedule"))
    )
    for at, warmup in warmups:
        if warmup >= steps:
            yield Finding(
                at,
                f"the warm-up takes {warmup:,} steps, and the run has {steps:,}",
                help="warm up in a tenth of the run or less, or train for longer",
                also=((("train", "max_steps"), "the run ends here"),),
            )


def _warmups(schedule: Any, path: Path) -> Iterator[tuple[Path, int]]:
    """Every warm-up of a schedule, and of the schedules inside it."""
    for name in ("warmup_steps", "rampup_steps"):
        steps = getattr(schedule, name, None)
        if isinstance(steps, int) and getattr(schedule, "warmup", "linear") == "linear":
            yield (*path, name), steps
    for name in getattr(type(schedule), "model_fields", {}):
        value = getattr(schedule, name)
        for index, inner in enumerate(value if isinstance(value, list) else []):
            yield from _warmups(inner, (*path, name, index))

"""A floor of the learning rate that looks like a rate and is taken as a share of the peak.

Other frameworks give the last learning rate itself (``min_lr: 1e-5``); here ``floor`` is the part of the peak
that is left, so that a tenth of it is ``0.1`` whatever the peak.  A share below a thousandth is as good as 0.

Example, in the spec of ``seqspec new mt``::

    optimizer: {schedule: {type: cosine, peak: 1.0e-3, decay_end: 20000, floor: 1.0e-4}}

Use instead, for a rate of ``1.0e-4`` at the end::

    optimizer: {schedule: {type: cosine, peak: 1.0e-3, decay_end: 20000, floor: 0.1}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.compile.checks._corpus import configs_in
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ242"

SMALLEST = 1e-3
"""Shares from here on are meant as shares."""


def check(plan: Plan) -> Iterator[Finding]:
    schedule = getattr(plan.experiment.optimizer, "schedule", None)
    if schedule is None:
        return
    held: list[tuple[Any, Any]] = list(configs_in(schedule, ("optimizer", "schedule")))
    for path, config in held:
        floor, peak = getattr(config, "floor", None), getattr(config, "peak", None)
        if floor is None or not peak or not 0 < floor < SMALLEST:
            continue
        yield Finding(
            (*path, "floor"),
            f"a floor of {floor:g} is that share of the peak: the rate ends at {floor * peak:g}",
            help=f"for a last rate of {floor:g} write `floor: {floor / peak:g}`; for none, leave it out",
            severity="warning",
            also=((((*path, "peak")), "the peak"),),
        )

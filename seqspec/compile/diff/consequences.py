"""What follows from the changes between two plans: parameters, batch, learning rate, digests."""

from __future__ import annotations

from typing import NamedTuple

from seqspec.compile.plan.plan import Plan


class Consequence(NamedTuple):
    """One derived quantity on both sides; ``None`` where a side has none."""

    name: str
    old: float | str | None
    new: float | str | None
    unit: str = ""


def consequences(
    a: Plan, b: Plan, *, parameters: tuple[int | None, int | None] = (None, None)
) -> tuple[Consequence, ...]:
    """Every derived quantity that differs.  ``parameters``: counts, where the caller built the models."""
    found = [
        *([Consequence("parameters", *parameters)] if None not in parameters else []),
        *_batch(a, b),
        *_rates(a, b),
        *_facts(a, b),
        *_digests(a, b),
    ]
    return tuple(item for item in found if item.old != item.new)


def learning_rate(plan: Plan, step: int) -> float | None:
    """The rate of the schedule at ``step`` (the first is 1); ``None`` where the optimiser has no schedule."""
    schedule = getattr(plan.experiment.optimizer, "schedule", None)
    if schedule is not None and hasattr(schedule, "rate"):
        return float(schedule.rate(step))
    rate = getattr(plan.experiment.optimizer, "lr", None)
    return None if rate is None else float(rate)


def chosen_steps(max_steps: int) -> tuple[int, ...]:
    """Steps at which a curve is shown: the first, then shares of the whole run."""
    shares = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
    return tuple(sorted({1, *(max(1, round(max_steps * share)) for share in shares)}))


def _batch(a: Plan, b: Plan) -> list[Consequence]:
    old, new = a.experiment.data.batch, b.experiment.data.batch
    total_old, total_new = old.size * a.experiment.train.max_steps, new.size * b.experiment.train.max_steps
    if old.unit != new.unit:
        return [Consequence("effective batch", f"{old.size:,g} {old.unit}", f"{new.size:,g} {new.unit}")]
    return [
        Consequence("effective batch", old.size, new.size, f"{new.unit} a step"),
        Consequence("seen in all", total_old, total_new, new.unit),
    ]


def _rates(a: Plan, b: Plan) -> list[Consequence]:
    steps = chosen_steps(min(a.experiment.train.max_steps, b.experiment.train.max_steps))
    return [
        Consequence(f"learning rate at {step:,}", learning_rate(a, step), learning_rate(b, step))
        for step in steps
    ]


def _facts(a: Plan, b: Plan) -> list[Consequence]:
    old, new = dict(a.facts), dict(b.facts)
    return [Consequence(name, old[name], new[name]) for name in sorted(old.keys() & new.keys())]


def _digests(a: Plan, b: Plan) -> list[Consequence]:
    return [Consequence(f"digest {part}", a.digests[part][:12], b.digests[part][:12]) for part in a.digests]

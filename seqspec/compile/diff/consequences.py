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
    decides: bool = False
    """Another result follows although no setting has changed."""


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
    """The first optimiser's rate at ``step`` (the first is 1); ``None`` where it has no schedule."""
    return next(iter(learning_rates(plan, step).values()), None)


def learning_rates(plan: Plan, step: int) -> dict[str, float]:
    """The rate of each optimiser that has a schedule, by the optimiser's name."""
    schedules = {str(path[-1]): getattr(config, "schedule", None) for path, config in plan.optimizers.items()}
    return {name: float(schedule.rate(step)) for name, schedule in schedules.items() if schedule is not None}


def chosen_steps(max_steps: int) -> tuple[int, ...]:
    """Steps at which a curve is shown: the first, then shares of the whole run."""
    shares = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
    return tuple(sorted({1, *(max(1, round(max_steps * share)) for share in shares)}))


def batches(plan: Plan) -> int:
    """Batches of the whole run: each update of a step takes one of its own."""
    names = tuple(str(path[-1]) for path in plan.optimizers)
    return plan.experiment.train.max_steps * plan.experiment.procedure.updates(names)


def _batch(a: Plan, b: Plan) -> list[Consequence]:
    """Of one experiment on both sides, or of each task that both have."""
    names = [name for name in a.each if name in b.each]
    found = ((name, one) for name in names for one in _batches(a.each[name], b.each[name]))
    return [one._replace(name=f"{one.name} of {name}") if name else one for name, one in found]


def _batches(a: Plan, b: Plan) -> list[Consequence]:
    old, new = a.experiment.data.batch, b.experiment.data.batch
    total_old, total_new = old.size * batches(a), new.size * batches(b)
    if a.task or b.task:  # how often a task has a turn is drawn
        total_old = total_new = 0.0
    if old.unit != new.unit:
        return [Consequence("effective batch", f"{old.size:,g} {old.unit}", f"{new.size:,g} {new.unit}")]
    return [
        Consequence("effective batch", old.size, new.size, f"{new.unit} a step"),
        Consequence("seen in all", total_old, total_new, new.unit),
    ]


def _rates(a: Plan, b: Plan) -> list[Consequence]:
    steps = chosen_steps(min(a.experiment.train.max_steps, b.experiment.train.max_steps))
    names = list(dict.fromkeys(str(path[-1]) for plan in (a, b) for path in plan.optimizers))
    if len(a.optimizers) == len(b.optimizers) == 1:
        return [
            Consequence(f"learning rate at {step:,}", learning_rate(a, step), learning_rate(b, step))
            for step in steps
        ]
    return [
        Consequence(
            f"learning rate of {name} at {step:,}",
            learning_rates(a, step).get(name),
            learning_rates(b, step).get(name),
        )
        for name in names
        for step in steps
    ]


def _facts(a: Plan, b: Plan) -> list[Consequence]:
    old, new = dict(a.facts), dict(b.facts)
    return [Consequence(name, old[name], new[name]) for name in sorted(old.keys() & new.keys())]


def _digests(a: Plan, b: Plan) -> list[Consequence]:
    return [Consequence(f"digest {part}", a.digests[part][:12], b.digests[part][:12]) for part in a.digests]

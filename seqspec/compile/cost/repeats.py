"""How often a position goes through a weight."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.compile.plan.plan import Plan


def active(plan: Plan, sizes: Mapping[str, int]) -> int:
    """Parameters that one position goes through: of experts, those that it is sent to."""
    return round(sum(size * min(1.0, repeated(plan, name)) for name, size in sizes.items()))


def repeated(plan: Plan, name: str) -> float:
    """How often a position goes through a weight: as often as there are layers where all of them share it,
    less than once where it goes to some of the experts.
    """
    part, _, rest = name.partition(".")
    repeats = getattr(getattr(plan.experiment.model, part, None), "repeats", None)
    return 1.0 if repeats is None else float(repeats(rest))

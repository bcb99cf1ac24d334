"""Trainable parameters by arithmetic, without torch, where every component of the model says how many it has.

The built model is the authority (``parameter_table.py``); a test holds the two equal for every shipped spec.
"""

from __future__ import annotations

from typing import Any

from seqspec.compile.plan.plan import Plan, PlanNode
from seqspec.compile.plan.shared_part import SharedPart


def counted(plan: Plan) -> int | None:
    """All parameters; ``None`` where a component does not say, or a vocabulary is unknown.  What
    several tasks share counts once.
    """
    of_losses = sum(_own(plan, node) or 0 for node in plan.nodes if node.path == ("train", "weighting"))
    model = _counted(plan) if not plan.tasks else _of_tasks(plan)
    return None if model is None else model + of_losses


def _of_tasks(plan: Plan) -> int | None:
    """The models of all tasks."""
    each = [_counted(one) for one in plan.tasks.values()]
    again = [_again(plan, one) for one in plan.shared]
    known = [size for size in (*each, *again) if size is not None]
    return sum(known[: len(each)]) - sum(known[len(each) :]) if len(known) == len(each) + len(again) else None


def _again(plan: Plan, shared: SharedPart) -> int | None:
    """What the tasks after the first count of a part that is theirs together."""
    if any(_inside(one, shared) for one in plan.shared):
        return 0
    task, place = shared.places[0]
    below = [node for node in plan.tasks[task].nodes if node.path[: len(place)] == place]
    sizes = [_own(plan.tasks[task], node) for node in dict.fromkeys(below)]
    return None if None in sizes else sum(filter(None, sizes)) * (len(shared.places) - 1)


def _inside(outer: SharedPart, inner: SharedPart) -> bool:
    """Whether a shared part stands in another in every place, and is counted with it."""
    if outer is inner:
        return False
    held = [(task, place) for task, place in outer.places]
    return all(
        any(task == other and place[: len(there)] == there for other, there in held)
        for task, place in inner.places
    )


def _counted(plan: Plan) -> int | None:
    model: Any = plan.experiment.model
    if getattr(model, "has_more_weights", False):
        return None
    total = 0
    tables: dict[str, int] = {}
    for node in dict.fromkeys(plan.nodes):
        if node.path[0] != "model":
            continue
        size = _own(plan, node)
        if node.path == ("model",):  # most models have only what their components have
            total += size or 0
            continue
        if size is None:
            return None
        total += size
        if node.component[0] in ("embedding", "head"):
            tables[".".join(map(str, node.path[1:]))] = size
    return total - _shared(model, tables)


def _own(plan: Plan, node: PlanNode) -> int | None:
    count = getattr(plan.config(node.path), "parameters", None)
    return None if count is None else count(dict(node.takes))


def _shared(model: Any, tables: dict[str, int]) -> int:
    """What is counted twice: the head's matrix is the target's table, and the source's where all are one."""
    table = tables.get("decoder.embedding", tables.get("embedding", 0))
    return int(getattr(model, "num_tied", 0) * table)

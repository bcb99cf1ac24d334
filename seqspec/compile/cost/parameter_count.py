"""Trainable parameters by arithmetic, without torch, where every component of the model says how many it has.

The built model is the authority (``parameters.py``); a test holds the two equal for every shipped spec.
"""

from __future__ import annotations

from typing import Any

from seqspec.compile.plan.plan import Plan, PlanNode


def counted(plan: Plan) -> int | None:
    """All parameters; ``None`` where a component does not say, or a vocabulary is unknown."""
    model: Any = plan.experiment.model
    if getattr(model, "has_more_weights", False):
        return None
    total = 0
    tables: dict[str, int] = {}
    for node in dict.fromkeys(plan.nodes):
        if node.path[0] != "model" or node.path == ("model",):
            continue
        size = _own(plan, node)
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
    return int(getattr(model, "num_tied", 0) * tables.get("decoder.embedding", 0))

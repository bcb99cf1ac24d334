"""Trainable parameters by arithmetic, without torch, where every component of the model says how many it has.

The built model is the authority (``parameters.py``); a test holds the two equal for every shipped spec.
"""

from __future__ import annotations

from typing import Any

from seqspec.compile.plan.plan import Plan, PlanNode

_MORE = ("task_vectors", "ctc_weight")
"""Settings of a model that give it weights of its own."""


def counted(plan: Plan) -> int | None:
    """All parameters; ``None`` where a component does not say, or a vocabulary is unknown."""
    model: Any = plan.experiment.model
    if any(getattr(model, name, None) for name in _MORE):
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
    config: Any = plan.experiment
    for part in node.path:
        config = config[part] if isinstance(part, int) else getattr(config, part)
    count = getattr(config, "parameters", None)
    return None if count is None else count(dict(node.takes))


def _shared(model: Any, tables: dict[str, int]) -> int:
    """What is counted twice: the head's matrix is the target's table, and the source's where all are one."""
    tie = getattr(model, "tie", "none")
    target = tables.get("decoder.embedding", 0)
    return {"target": 1, "all": 2}.get(tie, 0) * target

"""Inference: types flow source → fields → encoder → decoder → head → loss, and every number that follows is
filled in.

Nothing here knows a single component: a leaf says ``output(source)``, a component with slots says
``wire(source, flow)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from seqspec.compile.diagnostics.report import in_order, in_whole, locate
from seqspec.compile.infer.fields import data_types
from seqspec.compile.infer.flow import Record, TypeFlow, on_disk
from seqspec.compile.infer.objectives import infer_losses, infer_optimizers, infer_search
from seqspec.compile.infer.weighting import infer_weighting, losses_of
from seqspec.compile.plan.plan import Plan, Provenance
from seqspec.schema.diagnostic import Diagnostic
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Path, Tree
from seqspec.schema.types import Nothing, Outputs, Poison, States, Type, Unknown

if TYPE_CHECKING:
    from seqspec.schema.hugging_face_folder import Folder

Open = Callable[[str], "Folder | None"]


def infer(
    experiment: Experiment,
    tree: Tree,
    *,
    facts: Mapping[str, int],
    open: Open = on_disk,
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan, as far as it can be made, and every mismatch on the way.

    ``open`` gives what a folder in Hugging Face's layout says, where a part comes from one.
    """
    if not experiment.tasks:
        return _of_one(experiment, tree, facts=facts, open=open)
    return _of_tasks(experiment, tree, facts=facts, open=open)


def _of_tasks(
    experiment: Experiment, tree: Tree, *, facts: Mapping[str, int], open: Open
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan of each task, joined to one."""
    from seqspec.compile.infer.tasks import facts_of, join
    from seqspec.compile.resolve.tasks import task_trees

    tasks = task_trees(tree)
    each: dict[str, Plan] = {}
    found: list[Diagnostic] = []
    for name, own in tasks.trees.items():
        known = facts_of(facts, task=name)
        plan, mistakes = _of_one(experiment.of_task(name), own, facts=known, open=open)
        each[name] = replace(plan, task=name)
        found += [in_whole(d, name, tree) for d in mistakes]
    whole, mistakes = join(experiment, each, uses=tasks.uses, tree=tree)
    return whole, tuple(in_order((*found, *mistakes)))


def _of_one(
    experiment: Experiment, tree: Tree, *, facts: Mapping[str, int], open: Open
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    record = Record(facts=facts, open=open)
    data = TypeFlow(experiment.data, ("data",), record)
    given = data_types(data)
    flow = TypeFlow(experiment, (), record)
    gives = flow.node("model", given)
    if ("model",) in record.outputs:
        infer_losses(flow, record.outputs["model",], _width(record, gives))
        train = TypeFlow(experiment.train, ("train",), record)
        infer_weighting(train, losses_of(experiment, record.outputs["model",]), experiment)
    infer_optimizers(flow, {"model": _width(record, gives)})
    if experiment.adapt is not None:
        flow.node("adapt", {"model": _width(record, gives)})
    flow.node("procedure", {"model": _width(record, gives)})
    evaluated = TypeFlow(experiment.evaluate, ("evaluate",), record)
    if experiment.evaluate.search is not None:
        infer_search(evaluated, record.outputs.get(("model",), Outputs({"output": gives})))
    for index in range(len(experiment.evaluate.metrics)):
        evaluated.item("metrics", index, {"target": given.get("target", Poison()), "given": gives})
    filled = fill(experiment, record.inferred)
    provenance = Provenance(tree, record.reasons)
    plan = Plan(filled, tuple(record.nodes), provenance, tuple(sorted(facts.items())))
    return plan, tuple(locate(finding, tree) for finding in record.findings)


def _width(record: Record, gives: Type) -> Type:
    """The hidden states that carry the model's width: its encoder's, else its decoder's."""
    if isinstance(gives, Poison):
        return gives
    found = {node.path[1:]: node.gives for node in record.nodes if node.path[:1] == ("model",)}
    states = (found.get((name,)) for name in ("encoder", "decoder"))
    return next((type_ for type_ in states if isinstance(type_, States)), Nothing())


def fill(model: Any, inferred: Mapping[Path, object]) -> Any:
    """``model`` with the inferred values written in, each at its path below it."""
    root = _Branch()
    for path, value in inferred.items():
        branch = root
        for part in path:
            branch = branch.below.setdefault(part, _Branch())
        branch.value = None if isinstance(value, Unknown) else value
    return _grown(model, root)


_AS_IT_IS: Any = object()


@dataclass(slots=True)
class _Branch:
    """What inference changes at one place, and below it."""

    value: Any = _AS_IT_IS
    below: dict[str | int, _Branch] = field(default_factory=dict)


def _grown(model: Any, branch: _Branch) -> Any:
    if branch.value is not _AS_IT_IS:
        model = branch.value
    below = branch.below
    if not below:
        return model
    if isinstance(model, list):
        return [_grown(item, below[at]) if at in below else item for at, item in enumerate(model)]
    if isinstance(model, dict):
        return {at: _grown(item, below[at]) if at in below else item for at, item in model.items()}
    return model.model_copy(update={name: _grown(getattr(model, str(name)), below[name]) for name in below})

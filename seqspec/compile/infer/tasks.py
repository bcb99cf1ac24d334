"""Plans of tasks joined to one: what they share must be the same in every place, and what belongs to all of
them is inferred once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from seqspec.compile.diagnostics.report import locate
from seqspec.compile.infer.flow import Record, TypeFlow
from seqspec.compile.infer.weighting import infer_weighting, losses_of
from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.compile.plan.plan import Plan, PlanNode, Provenance
from seqspec.compile.plan.shared_part import SharedPart
from seqspec.compile.resolve.uses import Use
from seqspec.schema.config import below
from seqspec.schema.diagnostic import Diagnostic, Finding, Label
from seqspec.schema.experiment import OWN, Experiment, Task
from seqspec.schema.source import Path, Tree, dotted
from seqspec.schema.types import Nothing, Poison, Type, Unknown

_RATES = ("rate",)
"""Fields of types that say how fast time runs, which no weight depends on."""


def facts_of(facts: Mapping[str, int], *, task: str) -> dict[str, int]:
    """What data have told of one task, by the names that its own plan has for it."""
    start = f"tasks.{task}."
    return {name.removeprefix(start): value for name, value in facts.items() if name.startswith(start)}


def join(
    experiment: Experiment, each: Mapping[str, Plan], *, uses: Sequence[Use], tree: Tree
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan of the whole, and what does not fit together."""
    assert experiment.tasks is not None
    shared = _shared(_in_order(uses, each))
    mix = Record(facts={})
    train = _mixed(experiment, mix, each)
    found = [
        *(d for part in shared for d in _differing(part, each, uses)),
        *_wrong_score(experiment, each, tree),
        *_unequal(each),
        *(locate(finding, tree) for finding in mix.findings),
    ]
    whole = Experiment.together(
        {name: plan.experiment for name, plan in each.items()},
        tasks={name: _filled(experiment.tasks[name], plan) for name, plan in each.items()},
        shared=_configs(shared, each) or None,
        evaluate=experiment.evaluate,
        train=train,
    )
    reasons = {path: why for name, plan in each.items() for path, why in _reasons(name, plan)}
    facts = sorted(
        (f"tasks.{name}.{fact}", value) for name, plan in each.items() for fact, value in plan.facts
    )
    nodes = (*_nodes(each, shared), *mix.nodes)
    provenance = Provenance(tree, {**reasons, **mix.reasons})
    return Plan(whole, nodes, provenance, tuple(facts), dict(each), shared), tuple(found)


def _shared(uses: Sequence[Use]) -> tuple[SharedPart, ...]:
    """The parts that somebody uses, each with all of its places; a part of a task stands there first."""
    places: dict[Path, list[tuple[str, Path]]] = {}
    for use in uses:
        home = [(str(use.part[1]), use.part[2:])] if use.part[0] == "tasks" else []
        held = places.setdefault(use.part, home)
        if (use.task, use.place) not in held:
            held.append((use.task, use.place))
    return tuple(SharedPart(part, tuple(held)) for part, held in places.items())


def _in_order(uses: Sequence[Use], each: Mapping[str, Plan]) -> list[Use]:
    """By task, and within one as the language orders the places, whatever order they were written in."""
    tasks = list(each)
    return sorted(uses, key=lambda use: (tasks.index(use.task), _ranks(each[use.task].experiment, use.place)))


def _ranks(config: Any, place: Path) -> tuple[int, ...]:
    """Which field of its config each step of ``place`` is."""
    found = []
    for step in place:
        names = [*type(config).model_fields] if isinstance(config, BaseModel) else [*(config or ())]
        found.append(step if isinstance(step, int) else names.index(step) if step in names else -1)
        config = below(config, step) if found[-1] >= 0 else None
    return tuple(found)


def _mixed(experiment: Experiment, record: Record, each: Mapping[str, Plan]) -> Any:
    """``train`` with the mix filled in, and what weighs the losses."""
    flow = TypeFlow(experiment.train, ("train",), record)
    joins, mix = getattr(experiment.procedure, "joins", False), experiment.train.mix
    if joins != (getattr(mix, "per_step", None) is not None) and mix is not None:
        _unfit_mix(experiment, flow, joins=joins)
    elif mix is not None or not joins:
        if mix is None:
            flow.fill("mix", "constant", "each task as often as the others")
        flow.node("mix", {task: Nothing() for task in each})
    infer_weighting(flow, _losses(each), next(iter(each.values())).experiment)
    return flow.config


def _unfit_mix(experiment: Experiment, flow: TypeFlow, *, joins: bool) -> None:
    """A mix that draws tasks in turn where a step joins all of them, or the other way round."""
    procedure, mix = (part.component[1] for part in (experiment.procedure, experiment.train.mix) if part)
    message = f"a step of `{procedure}` takes a batch of each task: none is drawn"
    help = (
        "take `mix` out, or write `mix: {type: per_step, batches: …, by: …}` for more batches of some tasks"
    )
    if not joins:
        message = f"`{mix}` gives a step batches of all tasks, and `{procedure}` makes an update after each"
        help = "set `procedure: joint`, which makes one update of a step's batches"
    flow.fault(("mix",), message, help=help, code="SQ341")


def _losses(each: Mapping[str, Plan]) -> dict[str, Type]:
    """What each loss of every task reads; of a task whose model failed, its mistake has been told."""
    return {
        name: _named_in_whole(type_, task)
        for task, plan in each.items()
        if any(node.path == ("model",) for node in plan.nodes)
        for name, type_ in losses_of(plan.experiment, plan.outputs, task=task).items()
    }


def _filled(task: Task, plan: Plan) -> Task:
    own = {key: getattr(plan.experiment, key) for key in OWN}
    return Task.model_construct(_fields_set=task.model_fields_set, weight=task.weight, **own)


def _configs(shared: Sequence[SharedPart], each: Mapping[str, Plan]) -> dict[str, Any]:
    """The shared parts by name, as they are filled in where they stand first."""
    found = {}
    for one in shared:
        if one.part[0] == "shared" and len(one.part) == 2:
            task, place = one.places[0]
            found[str(one.part[1])] = each[task].config(place)
    return found


def _reasons(name: str, plan: Plan) -> Iterator[tuple[Path, str]]:
    assert plan.provenance is not None
    for path, why in plan.provenance.reasons.items():
        yield (("tasks", name, *path) if path[0] in OWN else path), why


def _nodes(each: Mapping[str, Plan], shared: Sequence[SharedPart]) -> Iterator[PlanNode]:
    """Shared parts, those of the tasks, and once what belongs to all of them."""
    for one in shared:
        task, place = one.places[0]
        if one.part[0] == "shared":
            for node in each[task].nodes:
                if node.path[: len(place)] == place:
                    yield _renamed(node, task)._replace(path=(*one.part, *node.path[len(place) :]))
    for name, plan in each.items():
        for node in plan.nodes:
            if node.path[0] in OWN:
                yield _renamed(node, name)._replace(path=("tasks", name, *node.path))
    for node in next(iter(each.values())).nodes:
        if node.path[0] not in OWN:
            yield node


def _renamed(node: PlanNode, task: str) -> PlanNode:
    """With unknowns named as the whole names them."""

    def renamed(type_: Type) -> Type:
        return _named_in_whole(type_, task)

    takes, outputs = _each_type(node.takes, renamed), _each_type(node.outputs, renamed)
    return node._replace(takes=takes, gives=renamed(node.gives), outputs=outputs)


def _named_in_whole(type_: Type, task: str) -> Type:
    """A type of a task with its unknowns named as the whole names them."""
    unknown = {f: getattr(type_, f) for f in type_.__dataclass_fields__}
    changes = {f: Unknown(f"tasks.{task}.{n.name}") for f, n in unknown.items() if isinstance(n, Unknown)}
    return replace(type_, **changes) if changes else type_


def _each_type(
    types: tuple[tuple[str, Type], ...], change: Callable[[Type], Type]
) -> tuple[tuple[str, Type], ...]:
    return tuple((name, change(type_)) for name, type_ in types)


def _differing(part: SharedPart, each: Mapping[str, Plan], uses: Sequence[Use]) -> Iterator[Diagnostic]:
    """A shared part takes and gives the same in every place, since its weights are the same."""
    (task, place), *others = part.places
    for other, there in others:
        for node in (n for n in each[other].nodes if n.path[: len(there)] == there):
            at = (*place, *node.path[len(there) :])
            first = next((n for n in each[task].nodes if n.path == at), None)
            why = None if first is None else _difference(first, node, task, other)
            if why is not None:
                yield _told(part, why, uses, (task, place), (other, there), each)
                break


def _difference(first: PlanNode, second: PlanNode, task: str, other: str) -> str | None:
    pairs = [
        ("takes", _listed(first.takes), _listed(second.takes), first.takes, second.takes),
        ("gives", str(first.gives), str(second.gives), (("", first.gives),), (("", second.gives),)),
    ]
    for verb, one, two, types, more in pairs:
        if not _alike(types, more):
            return f"{verb} {one} in `{task}` and {two} in `{other}`"
    return None


def _alike(one: tuple[tuple[str, Type], ...], two: tuple[tuple[str, Type], ...]) -> bool:
    return [name for name, _ in one] == [name for name, _ in two] and all(
        _same(a, b) for (_, a), (_, b) in zip(one, two, strict=True)
    )


def _same(one: Type, two: Type) -> bool:
    """Equal in everything that weights depend on; what only data can tell is compared once they have."""
    if isinstance(one, Poison) or isinstance(two, Poison):
        return True
    if type(one) is not type(two):
        return False
    pairs = [(getattr(one, f), getattr(two, f)) for f in one.__dataclass_fields__ if f not in _RATES]
    return all(a == b or isinstance(a, Unknown) or isinstance(b, Unknown) for a, b in pairs)


def _listed(types: tuple[tuple[str, Type], ...]) -> str:
    return ", ".join(str(type_) if name == "source" else f"{name} {type_}" for name, type_ in types)


def _told(
    part: SharedPart,
    why: str,
    uses: Sequence[Use],
    first: tuple[str, Path],
    second: tuple[str, Path],
    each: Mapping[str, Plan],
) -> Diagnostic:
    """Shown at the second place, the first beside it."""
    here, there = (_span(uses, part, place, each) for place in (second, first))
    message = f"`{dotted(part.part)}` is shared, and it {why}"
    help = "one set of weights fits one width: make the two alike, or give each task a part of its own"
    path = ("tasks", second[0], *second[1])
    labels: tuple[Label, ...] = (Label(there, "used here first"),)
    if here == there:  # written once, at the top: the tasks are the two places
        both = (each[task].tree for task in (first[0], second[0]))
        told = (f"the task `{first[0]}`", f"the task `{second[0]}`")
        labels = tuple(Label(tree.key or tree.span, text) for tree, text in zip(both, told, strict=True))
    return Diagnostic("SQ282", message, here, labels=labels, help=help, path=path)


def _span(uses: Sequence[Use], part: SharedPart, place: tuple[str, Path], each: Mapping[str, Plan]) -> Any:
    found = (use.span for use in uses if use.part == part.part and (use.task, use.place) == place)
    node = each[place[0]].tree.nearest(place[1])[0]
    return next(found, node.key or node.span)


def _wrong_score(experiment: Experiment, each: Mapping[str, Plan], tree: Tree) -> Iterator[Diagnostic]:
    """``evaluate.score`` names tasks with a metric."""
    score = experiment.evaluate.score
    at: Path = ("evaluate", "score")
    if isinstance(score, dict) and score and not any(score.values()):
        message = "every task has the weight 0, so that nothing decides which checkpoint is best"
        yield locate(Finding(at, message, help="give one of them more", code="SQ289"), tree)
    for name in score if isinstance(score, dict) else [score] if score is not None else []:
        place: Path = (*at, name) if isinstance(score, dict) else at
        if name not in each:
            help = nearest_or_listed(name, tuple(each), there="the tasks are")
            yield locate(Finding(place, f"there is no task `{name}`", help=help, code="SQ289"), tree)
        elif not each[name].experiment.evaluate.metrics:
            also = ((("tasks", name), "this task"),)
            help = "give it `evaluate: {metrics: […]}`"
            message = f"the task `{name}` has no metric that could decide"
            yield locate(Finding(place, message, help=help, code="SQ289", also=also), tree)


def _unequal(each: Mapping[str, Plan]) -> Iterator[Diagnostic]:
    """What belongs to all tasks must follow alike from each, and be said once."""
    (task, first), *others = each.items()
    for name, plan in others:
        for at, one, two in (
            (("optimizer",), first.optimizers, plan.optimizers),
            (
                ("evaluate", "every_steps"),
                first.experiment.evaluate.every_steps,
                plan.experiment.evaluate.every_steps,
            ),
            (("evaluate", "score"), first.experiment.evaluate.score, plan.experiment.evaluate.score),
        ):
            if one != two:
                what = dotted(at)
                message = f"`{what}` is of all tasks, and it is another for `{task}` than for `{name}`"
                help = (
                    f"say `{what}` once, at the top"
                    if at[0] == "evaluate"
                    else "state what follows otherwise"
                )
                yield locate(Finding(at, message, help=help, code="SQ287"), plan.tree)
                return

"""The plan as text: components with their types, numbers with their origin, learning rate, digests.

The text says nothing of the machine or of the place where a value was written: it is kept as golden copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seqspec.compile.diff.consequences import chosen_steps, learning_rates
from seqspec.compile.language.flow_style import flow
from seqspec.compile.plan.plan import Plan, PlanNode
from seqspec.compile.plan.streaming import Latency, latency_of
from seqspec.compile.plan.values import Value
from seqspec.schema.source import dotted
from seqspec.schema.types import Type

_ABSENT = {("initialize",), ("freeze",)}
"""Sections that most experiments do not have and that are not shown then."""


def plan_text(plan: Plan) -> str:
    """The whole plan, a section a paragraph."""
    sections = (_head(plan), _nodes(plan), _stream(plan), _parts(plan), _numbers(plan), _rates(plan),
                _unknowns(plan))  # fmt: skip
    return "\n".join("\n".join(lines) + "\n" for lines in sections if lines)


def _head(plan: Plan) -> list[str]:
    parts = ", ".join(f"{part} {text[:8]}" for part, text in plan.digests.items() if part != "all")
    return [f"{plan.experiment.name}  {plan.digests['all'][:8]}", f"  {parts}"]


def _nodes(plan: Plan) -> list[str]:
    rows = [(_indented(node), _edges(plan, node)) for node in dict.fromkeys(plan.nodes)]
    width = max(len(name) for name, _ in rows)
    return ["components", *(f"  {name:{width}}  {edges}" for name, edges in rows)]


def _indented(node: PlanNode) -> str:
    slot, name = node.component
    return f"{dotted(node.path)}: {name}" if slot else dotted(node.path)


def _edges(plan: Plan, node: PlanNode) -> str:
    gives = str(node.gives)
    if node.component[0] == "adapter":
        gives = _named(plan.config(node.path).roles().items())
    if len(node.outputs) > 1:
        gives = _named(node.outputs)
    return f"{_named(node.takes)} → {gives}".lstrip()


def _named(types: Iterable[tuple[str, Type]]) -> str:
    return ", ".join(str(type_) if name == "source" else f"{name} {type_}" for name, type_ in types)


def _stream(plan: Plan) -> list[str]:
    """How far behind a recogniser hears that is made to stream."""
    found = latency_of(plan) if not plan.tasks else []
    return ["streaming", f"  {found}"] if isinstance(found, Latency) and found.asked else []


def _parts(plan: Plan) -> list[str]:
    """Which tasks train which part; a part below one that is shared is not told again."""
    if not plan.tasks:
        return []
    rows = [(dotted(one.part), [task for task, _ in one.places]) for one in plan.shared]
    rows += [(f"tasks.{name}.model", [name]) for name in plan.tasks]
    width = max(len(part) for part, _ in rows)
    return ["trained by", *(f"  {part:{width}}  {', '.join(dict.fromkeys(tasks))}" for part, tasks in rows)]


def _numbers(plan: Plan) -> list[str]:
    lines: list[str] = []
    for section, values in _sections(plan):
        depth = 0 if section == "experiment" else 1
        shown = [(dotted(value.path[depth:]), flow(value.value), _origin(value)) for value in values]
        width = min(48, max(len(name) for name, _, _ in shown))
        wide = min(24, max(len(text) for _, text, _ in shown))
        lines += ["", section] if lines else [section]
        lines += [f"  {name:{width}}  {text:{wide}}  {origin}" for name, text, origin in shown]
    return lines


def _sections(plan: Plan) -> Iterator[tuple[str, list[Value]]]:
    grouped: dict[str, list[Value]] = {}
    for value in plan.values:
        absent = value.path in _ABSENT and value.origin == "default"
        if (value.value is not None or value.origin != "default") and not absent:
            name = str(value.path[0])
            grouped.setdefault(name if len(value.path) > 1 else "experiment", []).append(value)
    yield from grouped.items()


def _origin(value: Value) -> str:
    return f"inferred: {value.reason}" if value.origin == "inferred" else value.origin


def _rates(plan: Plan) -> list[str]:
    lines: list[str] = []
    steps = chosen_steps(plan.experiment.train.max_steps)
    for name in learning_rates(plan, 1):
        head = "learning rate" if len(plan.optimizers) == 1 else f"learning rate of {name}"
        shown = [f"  step {step:>11,}  {learning_rates(plan, step)[name]:.6g}" for step in steps]
        lines += ["", head, *shown] if lines else [head, *shown]
    return lines


def _unknowns(plan: Plan) -> list[str]:
    if not plan.unknowns:
        return []
    return ["known after `seqspec data prepare`", *(f"  {name}" for name in plan.unknowns)]

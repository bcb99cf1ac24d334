"""A spec of several tasks as an ordinary spec for each: what stands at the top, the task's own over it, and
``{use: …}`` replaced by the part that it names.

Every node keeps its place in the file, so whatever a later stage finds in the spec of a task is shown where
it was written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seqspec.compile.language.expected_schema import named_type
from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.compile.parse.limits import MOST_TASKS
from seqspec.compile.resolve.overlay import WHOLE, has_tasks
from seqspec.compile.resolve.uses import Expanding, Use, key_span
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, Label, SpecError
from seqspec.schema.experiment import Experiment, Task
from seqspec.schema.source import Node, Path, Span, Tree

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}").fullmatch
_TOGETHER = (("train", "mix"), ("train", "weighting"), ("train", "gradient_cosines"), ("evaluate", "score"))
"""What only several tasks together have."""


@dataclass(frozen=True)
class TaskTrees:
    """The tasks of a spec."""

    trees: Mapping[str, Tree]
    """An ordinary spec for each."""
    weights: Mapping[str, float]
    uses: tuple[Use, ...]
    found: tuple[Diagnostic, ...]
    """What is wrong with the tasks as such."""


def task_trees(tree: Tree) -> TaskTrees:
    """The tasks of ``tree``, overlays and references resolved."""
    assert isinstance(tree.value, dict)
    named = tree.value.get("tasks")
    if named is None or not isinstance(named.value, dict) or not named.value:
        return TaskTrees({}, {}, (), (_no_tasks(tree, named),))
    if len(named.value) > MOST_TASKS:
        message, help = f"the spec has more than {MOST_TASKS} tasks", "train them in several runs"
        return TaskTrees(
            {}, {}, (), (Diagnostic("SQ005", message, key_span(named), help=help, path=("tasks",)),)
        )
    weights, found = _weights(named.value)
    for name, node in named.value.items():
        found += _misplaced(name, node)
    merged = {name: _merged(tree, node) for name, node in named.value.items() if isinstance(node.value, dict)}
    expanding = Expanding(tree, merged)
    trees = {name: expanding.task(name) for name in merged} if not found else {}
    found += expanding.found
    # Where something is wrong with a use, what it was to stand for may only seem to be unused.
    found += expanding.unused() if not found else ()
    return TaskTrees(trees, weights, tuple(expanding.uses), tuple(found))


def tasks_by_name(tree: Tree) -> Tree:
    """``tree`` with its tasks in the order of their names, whatever order they were written in."""
    named = tree.value.get("tasks") if isinstance(tree.value, dict) else None
    if named is None or not isinstance(named.value, dict):
        return tree
    tasks = _with(named, dict(sorted(named.value.items())))
    assert isinstance(tree.value, dict)
    return _with(tree, {**tree.value, "tasks": tasks})


def _with(node: Node, value: dict[str, Node]) -> Node:
    """``node`` with other entries, in its place."""
    return Node(value, node.span, key=node.key, via=node.via, replaced=node.replaced)


def _no_tasks(tree: Tree, named: Node | None) -> Diagnostic:
    if named is not None and named.value is not None:
        message, help = "`tasks` is a mapping of names to tasks", "write `tasks: {NAME: {data: …, model: …}}`"
        return Diagnostic("SQ280", message, key_span(named), help=help, path=("tasks",))
    message = "`shared` is what several tasks share, and the spec has no `tasks`"
    help = "write the part where it stands in the model, or give the spec `tasks`"
    return Diagnostic("SQ280", message, key_span(tree.at(("shared",))), help=help, path=("shared",))


def only_task(tree: Tree, name: str, *, asked: Span, catalogue: Catalogue) -> Tree:
    """The ordinary spec of one task.  Raises ``SpecError`` where there is none of that name."""
    found = task_trees(tree) if has_tasks(tree) else None
    if found is not None and name in found.trees:
        if found.found:
            raise SpecError(found.found)
        alone = found.trees[name]
        for path in _TOGETHER:
            alone = _without(alone, path)
        if _joins(alone.at(("procedure",)), catalogue):
            alone = _without(alone, ("procedure",))
        return alone
    known = tuple(found.trees) if found is not None else ()
    help = nearest_or_listed(name, known, there="the spec has", empty="the spec has no `tasks`")
    raise SpecError([Diagnostic("SQ281", f"there is no task `{name}`", asked, help=help)])


def _joins(procedure: Node | None, catalogue: Catalogue) -> bool:
    """Whether a step of the procedure takes a batch of each task."""
    name = named_type(procedure)
    if name is None or name not in catalogue.names("procedure"):
        return False
    return bool(getattr(catalogue.config("procedure", name), "joins", False))


def _without(node: Node, path: Path) -> Node:
    """``node`` without what stands at ``path``."""
    child = node.at(path[:1])
    if child is None or not isinstance(node.value, dict):
        return node
    rest = {key: value for key, value in node.value.items() if key != path[0] or len(path) > 1}
    if len(path) > 1:
        rest[str(path[0])] = _without(child, path[1:])
    return _with(node, rest)


def _merged(tree: Tree, own: Node) -> Node:
    """What the top says, and over it what the task says; shown at the task where something is missing."""
    assert isinstance(tree.value, dict)
    assert isinstance(own.value, dict)
    top = {key: node for key, node in tree.value.items() if key not in WHOLE}
    over = {key: node for key, node in own.value.items() if key != "weight"}
    return Node(_over(top, over), own.span, key=own.key)


def _over(top: dict[str, Node], own: dict[str, Node]) -> dict[str, Node]:
    found = dict(top)
    for key, node in own.items():
        found[key] = _put_over(top[key], node) if key in top else node
    return found


def _put_over(base: Node, over: Node) -> Node:
    """The overlay rule: mappings merge by key, the rest is replaced, another type starts afresh."""
    below, above = base.value, over.value
    if not isinstance(below, dict) or not isinstance(above, dict):
        return over
    stated = named_type(over)
    if "use" in above or "use" in below or stated not in (None, named_type(base)):
        return over
    return Node(_over(below, above), over.span, key=over.key, via=over.via, replaced=over.replaced)


def _weights(tasks: Mapping[str, Node]) -> tuple[dict[str, float], list[Diagnostic]]:
    found: dict[str, float] = {}
    wrong: list[Diagnostic] = []
    for name, node in tasks.items():
        written = node.at(("weight",))
        value = 1.0 if written is None else written.value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
            found[name] = float(value)
        elif written is not None:
            message = f"the weight of the task `{name}` is not a number from 0 on"
            help = "write one such as 0.5"
            path = ("tasks", name, "weight")
            wrong.append(Diagnostic("SQ286", message, written.span, help=help, path=path))
    if found and not wrong and not any(found.values()):
        first, *others = (node.at(("weight",)) for node in tasks.values())
        labels = tuple(Label(key_span(node), "and here") for node in others if node is not None)
        assert first is not None
        message = "every task has the weight 0, so that nothing is trained"
        wrong.append(
            Diagnostic("SQ286", message, key_span(first), labels=labels, help="give one of them more")
        )
    return found, wrong


def _misplaced(name: str, node: Node) -> Iterator[Diagnostic]:
    """What is said of one task and belongs to all of them, or to none."""
    if not _NAME(name):
        message, help = (
            f"`{name}` cannot be the name of a task",
            "use small letters, digits and `_`, a letter first",
        )
        yield Diagnostic("SQ108", message, key_span(node), help=help, path=("tasks", name))
    if not isinstance(node.value, dict):
        message, help = f"the task `{name}` is a mapping", f"write `{name}: {{data: …, model: …}}`"
        yield Diagnostic("SQ280", message, key_span(node), help=help, path=("tasks", name))
        return
    for key, child in node.value.items():
        if key in Experiment.model_fields and key not in Task.model_fields:
            message = f"`{key}` belongs to the whole experiment, and not to one task"
            help = f"move it to the top; a task has {', '.join(f'`{own}`' for own in Task.model_fields)}"
            yield Diagnostic("SQ287", message, key_span(child), help=help, path=("tasks", name, key))
        elif key not in Task.model_fields:
            help = nearest_or_listed(key, tuple(Task.model_fields), there="it takes")
            path = ("tasks", name, key)
            yield Diagnostic(
                "SQ101", f"`{key}` is not a key of a task", key_span(child), help=help, path=path
            )

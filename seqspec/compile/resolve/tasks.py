"""A spec of several tasks as an ordinary spec for each: what stands at the top, the task's own over it, and
``{use: …}`` replaced by the part that it names.

Every node keeps its place in the file, so whatever a later stage finds in the spec of a task is shown where
it was written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from seqspec.compile.language.expected_schema import named_type
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.parse.limits import MOST_EXPANDED, MOST_TASKS
from seqspec.compile.resolve.overlay import WHOLE, has_tasks
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, Label, SpecError
from seqspec.schema.experiment import Experiment, Task
from seqspec.schema.source import Node, Path, Span, Tree, dotted

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}").fullmatch
_TOGETHER = (("train", "mix"), ("train", "weighting"), ("train", "gradient_cosines"), ("evaluate", "score"))
"""What only several tasks together have."""


class Use(NamedTuple):
    """A place of a task where a part stands that belongs to all who use it."""

    task: str
    place: Path
    """In the task's own experiment, such as ``model.encoder``."""
    part: Path
    """In the whole spec, such as ``shared.body``."""
    span: Span
    """Where ``use`` was written."""


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
        return TaskTrees({}, {}, (), (Diagnostic("SQ005", message, _key(named), help=help, path=("tasks",)),))
    weights, found = _weights(named.value)
    for name, node in named.value.items():
        found += _misplaced(name, node)
    merged = {name: _merged(tree, node) for name, node in named.value.items() if isinstance(node.value, dict)}
    expanding = _Expanding(tree, merged)
    trees = {name: expanding.task(name) for name in merged} if not found else {}
    found += expanding.found
    # Where something is wrong with a use, what it was to stand for may only seem to be unused.
    found += expanding.unused() if not found else ()
    return TaskTrees(trees, weights, tuple(expanding.uses), tuple(found))


def _no_tasks(tree: Tree, named: Node | None) -> Diagnostic:
    if named is not None and named.value is not None:
        message, help = "`tasks` is a mapping of names to tasks", "write `tasks: {NAME: {data: …, model: …}}`"
        return Diagnostic("SQ280", message, _key(named), help=help, path=("tasks",))
    message = "`shared` is what several tasks share, and the spec has no `tasks`"
    help = "write the part where it stands in the model, or give the spec `tasks`"
    return Diagnostic("SQ280", message, _key(tree.at(("shared",))), help=help, path=("shared",))


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
    near = nearest(name, known)
    listed = ", ".join(f"`{one}`" for one in known)
    help = (
        f"did you mean `{near}`?"
        if near
        else f"the spec has {listed}"
        if known
        else "the spec has no `tasks`"
    )
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
    return Node(rest, node.span, key=node.key, via=node.via, replaced=node.replaced)


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
        labels = tuple(Label(_key(node), "and here") for node in others if node is not None)
        assert first is not None
        message = "every task has the weight 0, so that nothing is trained"
        wrong.append(Diagnostic("SQ286", message, _key(first), labels=labels, help="give one of them more"))
    return found, wrong


def _misplaced(name: str, node: Node) -> Iterator[Diagnostic]:
    """What is said of one task and belongs to all of them, or to none."""
    if not _NAME(name):
        message, help = (
            f"`{name}` cannot be the name of a task",
            "use small letters, digits and `_`, a letter first",
        )
        yield Diagnostic("SQ108", message, _key(node), help=help, path=("tasks", name))
    if not isinstance(node.value, dict):
        message, help = f"the task `{name}` is a mapping", f"write `{name}: {{data: …, model: …}}`"
        yield Diagnostic("SQ280", message, _key(node), help=help, path=("tasks", name))
        return
    for key, child in node.value.items():
        if key in Experiment.model_fields and key not in Task.model_fields:
            message = f"`{key}` belongs to the whole experiment, and not to one task"
            help = f"move it to the top; a task has {', '.join(f'`{own}`' for own in Task.model_fields)}"
            yield Diagnostic("SQ287", message, _key(child), help=help, path=("tasks", name, key))
        elif key not in Task.model_fields:
            near = nearest(key, tuple(Task.model_fields))
            listed = ", ".join(f"`{own}`" for own in Task.model_fields)
            help = f"did you mean `{near}`?" if near else f"it takes {listed}"
            path = ("tasks", name, key)
            yield Diagnostic("SQ101", f"`{key}` is not a key of a task", _key(child), help=help, path=path)


@dataclass
class _Expanding:
    """Replaces ``use`` in the specs of the tasks."""

    root: Tree
    merged: Mapping[str, Node]
    uses: list[Use] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Shared parts that somebody uses."""
    left: int = MOST_EXPANDED
    """Keys and values that may still follow."""

    def task(self, name: str) -> Tree:
        tree = self.merged[name]
        assert isinstance(tree.value, dict)
        lacking = [key for key in ("data", "model") if key not in tree.value]
        for key in lacking[:1]:
            message, help = (
                f"the task `{name}` has no `{key}`",
                f"add `{key}` to it, or to the top for every task",
            )
            self.found.append(Diagnostic("SQ280", message, _key(tree), help=help, path=("tasks", name)))
        value = {
            key: self._expanded(node, name, (key,), ())
            if key == "model"
            else self._without(node, name, (key,))
            for key, node in tree.value.items()
        }
        return Node(value, tree.span, key=tree.key)

    def unused(self) -> Iterator[Diagnostic]:
        """Shared parts that stand in no model."""
        shared = self.root.at(("shared",))
        for name, node in (
            shared.value.items() if shared is not None and isinstance(shared.value, dict) else ()
        ):
            if name not in self.named:
                message = f"no task uses the shared part `{name}`"
                near = nearest(name, tuple(self.named))
                help = (
                    f"did you mean `shared.{near}`?"
                    if near
                    else f"write `{{use: shared.{name}}}` where it is to stand, or take it out"
                )
                yield Diagnostic("SQ285", message, _key(node), help=help, path=("shared", name))

    def _count(self, node: Node) -> None:
        self.left -= 1
        if self.left < 0:
            message = f"the tasks together hold more than {MOST_EXPANDED:,} keys and values"
            help = "parts that use parts multiply: name what is shared once, and use it in fewer places"
            raise SpecError([Diagnostic("SQ005", message, _key(node), help=help, path=("tasks",))])

    def _expanded(self, node: Node, task: str, place: Path, within: tuple[Path, ...]) -> Node:
        self._count(node)
        if _is_use(node):
            return self._used(node, task, place, within)
        if isinstance(node.value, dict):
            below = {
                key: self._expanded(child, task, (*place, key), within) for key, child in node.value.items()
            }
            return Node(below, node.span, key=node.key, via=node.via, replaced=node.replaced)
        if isinstance(node.value, list):
            items = [self._expanded(child, task, (*place, at), within) for at, child in enumerate(node.value)]
            return Node(items, node.span, key=node.key, via=node.via, replaced=node.replaced)
        return node

    def _used(self, node: Node, task: str, place: Path, within: tuple[Path, ...]) -> Node:
        try:
            part, target = self._find(node, task, place, within)
        except _BadUse as bad:
            self._note(bad, task, place)
            return Node(None, node.span, key=node.key)
        assert isinstance(node.value, dict)
        self.uses.append(Use(task, place, part, node.value["use"].span))
        return self._expanded(target, task, place, (*within, part))

    def _find(self, node: Node, task: str, place: Path, within: tuple[Path, ...]) -> tuple[Path, Node]:
        """The part that a use leads to, through others where these only use it themselves.  Raises
        ``_BadUse``.
        """
        passed: list[Span] = []
        seen: dict[Path, int] = {}
        while True:
            said = _said(node)
            part = _path(said.value)
            if part is None:
                message = f"`use: {said.value}` is no place such as `shared.NAME` or `tasks.TASK.model`"
                raise _BadUse("SQ283", message, said.span, self._known(said.value))
            passed.append(said.span)
            if part in seen or part in within or (part[:2] == ("tasks", task) and _touch(part[2:], place)):
                raise _circle(said.value, passed[seen.get(part, 0) :])
            seen[part] = len(passed)
            target, part = self._at(part)
            if target is None:
                known = self._known(said.value)
                raise _BadUse("SQ283", f"there is no `{said.value}` to use", said.span, known)
            seen[part] = len(passed)
            if part[0] == "shared":
                self.named.add(str(part[1]))
            if not _is_use(target):
                return part, target
            node = target

    def _at(self, part: Path) -> tuple[Node | None, Path]:
        """What stands at a place of the whole spec; a use on the way leads on to the part itself."""
        depth = 2
        node = self.merged.get(str(part[1])) if part[0] == "tasks" else self.root.at(part[:2])
        while node is not None and depth < len(part):
            node = node.at((part[depth],))
            depth += 1
            if node is not None and _is_use(node) and depth < len(part):
                assert isinstance(node.value, dict)
                inner = _path(node.value["use"].value)
                if inner is None or len(inner) + len(part) > 64:
                    return None, part
                return self._at((*inner, *part[depth:]))
        return node, part

    def _known(self, said: object) -> str:
        shared = self.root.at(("shared",))
        names = (
            [f"shared.{name}" for name in shared.value]
            if shared is not None and isinstance(shared.value, dict)
            else []
        )
        names += [
            f"tasks.{task}.{dotted(path)}" for task, tree in self.merged.items() for path in _components(tree)
        ]
        near = nearest(str(said), tuple(names))
        listed = ", ".join(f"`{name}`" for name in names[:8])
        return (
            f"did you mean `{near}`?"
            if near
            else f"there are {listed}"
            if names
            else "write the part under `shared`"
        )

    def _without(self, node: Node, task: str, place: Path) -> Node:
        """Only parts of models are shared: anything else is refused where it stands."""
        for path, leaf in node.leaves():
            if path and path[-1] == "use":
                message = "`use` stands for a part of a model, and this is none"
                help = "what holds for every task is written once at the top of the spec"
                self._note(_BadUse("SQ283", message, leaf.span, help), task, (*place, *path))
        return node

    def _note(self, bad: _BadUse, task: str, place: Path) -> None:
        """One mistake is told once, also where several tasks come upon it or a circle is entered twice."""
        told = {label.span for one in self.found for label in one.labels} | {one.span for one in self.found}
        if bad.span not in told:
            labels = tuple(Label(span, "which leads back") for span in bad.passed)
            path: Path = ("tasks", task, *place)
            self.found.append(
                Diagnostic(bad.code, bad.message, bad.span, labels=labels, help=bad.help, path=path)
            )


class _BadUse(Exception):
    """A use that leads nowhere."""

    def __init__(
        self, code: str, message: str, span: Span, help: str, *, passed: Sequence[Span] = ()
    ) -> None:
        self.code, self.message, self.span, self.help, self.passed = code, message, span, help, passed
        super().__init__(message)


def _circle(said: object, passed: Sequence[Span]) -> _BadUse:
    """A use that leads back to itself, shown where it begins."""
    alone = len(passed) == 1
    message = "a part cannot use itself" if alone else f"`use: {said}` leads back to where it stands"
    return _BadUse("SQ284", message, passed[0], "write the part in one of the places", passed=passed[1:])


def _said(node: Node) -> Node:
    """What a use names.  Raises ``_BadUse`` where settings stand beside it."""
    assert isinstance(node.value, dict)
    more = [key for key in node.value if key != "use"]
    if more:
        message = f"a part that is used takes no settings, and `{more[0]}` is one"
        raise _BadUse("SQ283", message, _key(node.value[more[0]]), "set it where the part is written")
    return node.value["use"]


def _is_use(node: Node) -> bool:
    return isinstance(node.value, dict) and "use" in node.value


def _path(said: object) -> Path | None:
    """``shared.body`` or ``tasks.asr.model.encoder`` as a path of the whole spec."""
    from seqspec.compile.language.paths import NoSuchPath, parse_path

    if not isinstance(said, str):
        return None
    try:
        path = parse_path(said)
    except NoSuchPath:
        return None
    shared = len(path) >= 2 and path[0] == "shared"
    return path if shared or (len(path) >= 3 and path[0] == "tasks" and path[2] == "model") else None


def _components(tree: Node) -> Iterator[Path]:
    """The model of a task and what stands in it, as far as it is written as a mapping."""
    model = tree.at(("model",))
    if model is None or not isinstance(model.value, dict) or _is_use(model):
        return
    yield ("model",)
    for key, child in model.value.items():
        if isinstance(child.value, dict) and not _is_use(child):
            yield ("model", key)


def _touch(one: Path, other: Path) -> bool:
    common = min(len(one), len(other))
    return one[:common] == other[:common]


def _key(node: Node | None) -> Span:
    assert node is not None
    return node.key or node.span

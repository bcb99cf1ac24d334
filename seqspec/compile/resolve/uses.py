"""Parts that several tasks use: ``{use: …}`` in a task's model, replaced by what it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from seqspec.compile.language.suggestions import nearest, nearest_or_listed
from seqspec.compile.parse.limits import MOST_EXPANDED
from seqspec.schema.diagnostic import Diagnostic, Label, SpecError
from seqspec.schema.source import Node, Path, Span, Tree, dotted


class Use(NamedTuple):
    """A place of a task where a part stands that belongs to all who use it."""

    task: str
    place: Path
    """In the task's own experiment, such as ``model.encoder``."""
    part: Path
    """In the whole spec, such as ``shared.body``."""
    span: Span
    """Where ``use`` was written."""


@dataclass
class Expanding:
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
            self.found.append(Diagnostic("SQ280", message, key_span(tree), help=help, path=("tasks", name)))
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
                yield Diagnostic("SQ285", message, key_span(node), help=help, path=("shared", name))

    def _count(self, node: Node) -> None:
        self.left -= 1
        if self.left < 0:
            message = f"the tasks together hold more than {MOST_EXPANDED:,} keys and values"
            help = "parts that use parts multiply: name what is shared once, and use it in fewer places"
            raise SpecError([Diagnostic("SQ005", message, key_span(node), help=help, path=("tasks",))])

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
        empty = "write the part under `shared`"
        return nearest_or_listed(str(said), names, there="there are", most=8, empty=empty)

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
        raise _BadUse("SQ283", message, key_span(node.value[more[0]]), "set it where the part is written")
    return node.value["use"]


def _is_use(node: Node) -> bool:
    return isinstance(node.value, dict) and "use" in node.value


def _path(said: object) -> Path | None:
    """``shared.body`` or ``tasks.asr.model.encoder`` as a path of the whole spec."""
    return _parsed(said) if isinstance(said, str) else None


@lru_cache(maxsize=1024)
def _parsed(said: str) -> Path | None:
    from seqspec.compile.language.paths import NoSuchPath, parse_path

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


def key_span(node: Node | None) -> Span:
    assert node is not None
    return node.key or node.span

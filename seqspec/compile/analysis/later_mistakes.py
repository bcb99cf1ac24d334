"""What later stages find in a spec whose schema errors lie elsewhere.

A misspelt key under `train` says nothing of the model, so the model is still inferred and checked.  What
was refused is taken out, and every later mistake that could come of that is kept back: one mistake gives
one diagnostic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from seqspec.compile.check import findings
from seqspec.compile.diagnostics.report import locate
from seqspec.compile.infer.infer import infer
from seqspec.compile.parse.limits import MOST_ADVISED
from seqspec.compile.validate.validate import validate
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import POISON, Node, Path, Tree

_DECIDES_TYPES = (
    ("model",),
    ("data", "source"),
    ("data", "split"),
    ("data", "text"),
    ("data", "audio"),
    ("data", "image"),
    ("plugins",),
    ("shared",),
    ("procedure",),
)
"""Where a mistake can change any type that flows on, or what moves which part, so that nothing behind it is
certain.
"""


def later_mistakes(found: Sequence[Diagnostic], survived: Tree | None) -> tuple[Diagnostic, ...]:
    """What inference and the checks find in the parts of a spec that the mistakes ``found`` do not touch."""
    refused = _refused(found, survived)
    if (
        not refused
        or len(refused) > MOST_ADVISED
        or survived is None
        or any(_touch(_of_a_task(path), part) for path in refused for part in _DECIDES_TYPES)
    ):
        return ()
    tree = _without(survived, refused)
    stood_in = _stood_in(tree, refused)
    if stood_in is None:
        return ()
    experiment, tree, missing = stood_in
    refused = [*refused, *missing]
    try:
        plan, mistakes = infer(experiment, tree, facts={})
    except SpecError:
        return ()
    checked = (
        locate(finding, tree)
        for finding in findings(plan, tree)
        if not any(
            _doubtful(place, path, tree) for place in _places(finding.at, finding.also) for path in refused
        )
    )
    certain = (d for d in mistakes if not any(_concerns(d.path, path) for path in refused))
    return (*certain, *checked)


STAND_INS = (1.0, 1, "x")
"""What may stand for a required value that was refused; nothing that rests on it is told."""


def _stood_in(tree: Tree, refused: Sequence[Path]) -> tuple[Experiment, Tree, list[Path]] | None:
    """The experiment of ``tree``, with something in the place of what is required and was refused, and these
    places; ``None`` where it does not fit the schema all the same.
    """
    try:
        return validate(tree), tree, []
    except SpecError as error:
        missing = [d.path for d in error.diagnostics]
        beside = [path[:-1] for path in refused]
        if any(d.code != "SQ102" or d.path[:-1] not in beside for d in error.diagnostics):
            return None
    for value in STAND_INS:
        filled = tree
        for path in missing:
            filled = _put(filled, path, value)
        try:
            return validate(filled), filled, missing
        except SpecError:
            continue
    return None


def _of_a_task(path: Path) -> Path:
    """``path`` as one task has it: what stands under ``tasks.NAME`` decides what it does at the top."""
    return path[2:] if path[:1] == ("tasks",) else path


def _concerns(place: Path, refused: Path) -> bool:
    """Whether what a component says of ``place`` may come of what was refused: one lies in the other, or both
    are settings of one component.
    """
    return _touch(place, refused) or (len(refused) > 1 and place[:-1] == refused[:-1])


def _doubtful(place: Path, refused: Path, tree: Tree) -> bool:
    """Whether what is said of ``place`` may come of what was refused: one lies in the other, or the place is
    a default beside it, which the refused key may have been meant for.
    """
    if _touch(place, refused):
        return True
    return _touch(place, refused[:2]) and tree.at(place) is None


def _refused(found: Sequence[Diagnostic], survived: Tree | None) -> list[Path]:
    """Where something was refused; nothing where one of the mistakes has no place that could be taken out."""
    if survived is None:
        return []
    paths = [path for path, leaf in survived.leaves() if leaf.value is POISON]
    for d in found:
        inside = bool(d.path) and not any(isinstance(part, int) for part in d.path)
        if inside and survived.at(d.path) is not None:
            paths.append(d.path)
        elif d.severity == "error" and not (d.code < "SQ1" and paths):
            return []
    return paths


def _places(at: Path, also: Iterable[tuple[Path, str]]) -> Iterator[Path]:
    yield at
    yield from (path for path, _ in also)


def _touch(one: Path, other: Path) -> bool:
    """Whether one of two places lies in the other."""
    common = min(len(one), len(other))
    return one[:common] == other[:common]


def _without(node: Tree, paths: Iterable[Path]) -> Tree:
    for path in paths:
        node = _cut(node, path)
    return node


def _put(node: Node, path: Path, value: float | str) -> Node:
    """``node`` with ``value`` at ``path``, whose parent is there."""
    if not isinstance(node.value, dict):
        return node
    key = str(path[0])
    below = Node(value, node.span) if len(path) == 1 else _put(node.value[key], path[1:], value)
    return Node({**node.value, key: below}, node.span, key=node.key, via=node.via, replaced=node.replaced)


def _cut(node: Node, path: Path) -> Node:
    """``node`` without what stands at ``path``."""
    if not isinstance(node.value, dict) or path[0] not in node.value:
        return node
    rest = dict(node.value)
    key = str(path[0])
    if len(path) == 1:
        del rest[key]
    else:
        rest[key] = _cut(rest[key], path[1:])
    return Node(rest, node.span, key=node.key, via=node.via, replaced=node.replaced)

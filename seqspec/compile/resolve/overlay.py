"""The one overlay rule: maps merge by key, the rest is replaced, a node whose type changes starts afresh.

Where keys are names that the person chose (splits, parts, losses), ``name: null`` takes one away.

``extends``, profiles and ``--set`` all come through here.  Every node that an overlay puts over another
keeps it as ``replaced``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from seqspec.compile.language.expected_schema import named_type, place
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import COMMAND_LINE, POISON, Node, Path, Source, Span, Tree

_PATH = re.compile(r"[^\s.\[\]=]+(?:\.[^\s.\[\]=]+|\[\d{1,5}\])*").fullmatch
_NOT_OURS = re.compile(r"[-+~].*|(?:extends|profiles)(?:[.\[].*)?|.*\.[0-9]+(?:[.\[].*)?").fullmatch
"""Marks of other command lines before a path, what only a file decides, entries as Hydra names them."""
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]").finditer


class Overlay(NamedTuple):
    """What the command line puts over a spec."""

    kind: Literal["profile", "set", "task"]
    text: str
    """The name of the profile or of the task, or ``path=value``."""

    @classmethod
    def profile(cls, name: str) -> Overlay:
        return cls("profile", name)

    @classmethod
    def set(cls, text: str) -> Overlay:
        return cls("set", text)

    @classmethod
    def task(cls, name: str) -> Overlay:
        """One task of a spec of several, as an experiment of its own."""
        return cls("task", name)


WHOLE = ("tasks", "shared")
"""Sections that only a spec of several tasks has."""


def has_tasks(tree: Tree) -> bool:
    """Whether a spec is of several tasks, or says something that only such a spec may say."""
    if not isinstance(tree.value, dict):
        return False
    return any(name in tree.value and tree.value[name].value is not None for name in WHOLE)


def merge(base: Node, over: Node, *, catalogue: Catalogue, home: Node | None = None) -> Node:
    """``over`` put over ``base``, both whole trees.

    ``home`` is the tree that ``over`` was written for, where that is not ``base``: what it says of a
    component that has another type by now is left out, as the component started afresh.
    """
    return _Merge(base, home, catalogue).node(base, over, ())


@dataclass(frozen=True)
class _Merge:
    root: Node
    home: Node | None
    catalogue: Catalogue

    def node(self, base: Node, over: Node, path: Path) -> Node:
        below, above = base.value, over.value
        if below is POISON and isinstance(above, dict) and named_type(over) is None:
            return base
        if below is None and isinstance(above, dict) and self._gone(path):
            return base
        if isinstance(above, dict) and isinstance(below, dict):
            if self._foreign(base, over, path):
                return base
            return self._maps(base, over, path) if self._same_type(base, over, path) else _replace(base, over)
        if isinstance(above, dict) and isinstance(below, str) and self._slot(path):
            return self.node(
                Node({"type": Node(below, base.span)}, base.span, key=base.key, replaced=base.replaced),
                over,
                path,
            )
        if isinstance(above, str) and isinstance(below, dict) and self._slot(path):
            named = Node({"type": Node(above, over.span)}, over.span, key=over.key)
            return (
                self.node(base, named, path) if self._same_type(base, named, path) else _replace(base, over)
            )
        return _replace(base, over)

    def _maps(self, base: Node, over: Node, path: Path) -> Node:
        assert isinstance(base.value, dict)
        assert isinstance(over.value, dict)
        merged = dict(base.value)
        names = any(child.value is None for child in over.value.values()) and self._names(path)
        for key, child in over.value.items():
            old = merged.get(key)
            if old is not None and child.value is None and names:
                del merged[key]
                continue
            merged[key] = child if old is None else self.node(old, child, (*path, key))
        return Node(merged, over.span, key=over.key, replaced=base)

    def _same_type(self, base: Node, over: Node, path: Path) -> bool:
        """A type that is not stated is the slot's default; where there is none, the rest is still to come
        and they merge.
        """
        new = named_type(over)
        if new is None:
            return True
        old = named_type(base)
        if old is None:
            slot = self._slot(path)
            old = self.catalogue.default(slot) if slot else None
        return old is None or old == new

    def _foreign(self, base: Node, over: Node, path: Path) -> bool:
        if self.home is None or named_type(over) is not None:
            return False
        then, now = named_type(self.home.at(path)), named_type(base)
        return then is not None and now is not None and then != now

    def _gone(self, path: Path) -> bool:
        """What ``over`` changes a part of was there where it was written, and was taken away since."""
        then = self.home.at(path) if self.home is not None else None
        return then is not None and isinstance(then.value, dict | str)

    def _names(self, path: Path) -> bool:
        """Whether the keys here are names that the person chose, so that nothing takes one away."""
        shape = place(self.root, path, self.catalogue).shape
        return shape is not None and shape.names

    def _slot(self, path: Path) -> str | None:
        shape = place(self.root, path, self.catalogue).shape
        return (
            shape.slot if shape is not None and not (shape.many and not isinstance(path[-1], int)) else None
        )


def _replace(base: Node, over: Node) -> Node:
    return Node(over.value, over.span, key=over.key or base.key, via=over.via, replaced=base)


def set_value(root: Node, text: str, *, catalogue: Catalogue) -> Node:
    """``root`` with ``path=value`` of the command line put over it.  Raises ``SpecError``."""
    source = Source(COMMAND_LINE, text)
    name, equals, _ = text.partition("=")
    if not equals or not _PATH(name) or _NOT_OURS(name):
        raise SpecError([_bad_set(source, name, bool(equals))])
    path: Path = tuple(int(m.group(2)) if m.group(2) else m.group(1) for m in _PART(name))
    value = _value(source, len(name) + 1)
    over = Node(value.value, value.span, key=Span(source, 0, len(name)))
    return _put(root, path, over, (), _Merge(root, None, catalogue))


def _value(source: Source, start: int) -> Node:
    from seqspec.compile.parse.yaml_reader import read

    written = source.text[start:]
    if not written.strip():
        return Node(None, Span(source, start, len(source.text)))
    return read(source, text=" " * start + written)


def _put(node: Node, path: Path, over: Node, at: Path, rule: _Merge) -> Node:
    if not any(isinstance(part, int) for part in path):
        for part in reversed(path):
            over = Node({str(part): over}, over.span, key=over.key)
        return rule.node(node, over, at)
    head, rest = path[0], path[1:]
    child = node.at((head,))
    if child is None:
        raise SpecError([_no_such_place(node, head, at, over)])
    new = _put(child, rest, over, (*at, head), rule)
    if isinstance(node.value, list):
        items = list(node.value)
        items[int(head)] = new
        return Node(items, node.span, key=node.key, via=node.via, replaced=node.replaced)
    assert isinstance(node.value, dict)
    return Node({**node.value, str(head): new}, node.span, key=node.key, via=node.via, replaced=node.replaced)


def _bad_set(source: Source, name: str, equals: bool) -> Diagnostic:
    said = (
        f"`{name}` is not the path of a setting"
        if equals
        else f"`{source.text}` does not say which value to set"
    )
    return Diagnostic("SQ330", said, Span(source, 0, len(name)), help=_meant(source.text))


def _meant(text: str) -> str:
    """How `--set` takes what somebody wrote as another command line does."""
    if "[-" in text.partition("=")[0]:
        return "entries count from 0, and never from the end"
    if profile := re.match(r"profiles\.([^.=]+)\.(\S+)", text):
        return f"write `--profile {profile.group(1)} --set {profile.group(2)}`"
    if text.startswith(("extends", "profiles")):
        return "bases and profiles stand in a file; `--profile NAME` chooses one"
    plain = text.lstrip("+-")
    if gone := re.fullmatch(r"~([\w.\[\]]+)(?:=.*)?", text):
        return f"to take a setting away, set it to nothing: `--set {gone.group(1)}=null`"
    match = re.fullmatch(r"([\w.\[\]]+?)\s*[=:]\s*(\S.*)", plain, re.DOTALL)
    if match is None:
        return "write `--set path=value`, such as `--set train.max_steps=100`"
    path, value = match.groups()
    path = re.sub(r"\.([0-9]+)(?=[.\[]|$)", r"[\1]", path)
    value = f"'{value}'" if re.search(r"[\s${}\[\]*]", value) else value
    return f"write `--set {path}={value}`" + ("; a key is added or replaced alike" if "+" in text[:2] else "")


def _no_such_place(node: Node, head: str | int, at: Path, over: Node) -> Diagnostic:
    from seqspec.schema.source import dotted

    where = f"`{dotted(at)}`" if at else "the spec"
    if isinstance(head, int) and isinstance(node.value, list):
        many = len(node.value)
        said = f"{where} has {many} {'entry' if many == 1 else 'entries'}, so there is no entry [{head}]"
    elif isinstance(head, int):
        said = f"{where} is not a list, so it has no entry [{head}]"
    else:
        said = f"{where} has no list `{head}`"
    return Diagnostic(
        "SQ331", said, over.key, help="entries count from 0; to replace or add to a list, set the whole list"
    )

"""A spec in YAML written as TOML, comments and all.

TOML has no null.  A component that is null is written ``none``; any other null is left out, and a comment
says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from seqspec.compile.language.expected_schema import place
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.slot import NOTHING
from seqspec.schema.source import Node, Path

_BARE = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
_COMMENT = re.compile(r"\s#.*")
WIDTH = 110
"""Longer values are written as tables, or a line an entry."""


def toml_text(tree: Node) -> str:
    """The TOML of a parsed YAML file that means the same."""
    written = "\n".join(_Writer(tree).table(tree, ()))
    return re.sub(r"\n{3,}", "\n\n", written).strip("\n") + "\n"


class _Writer:
    def __init__(self, tree: Node) -> None:
        self.tree, self.catalogue = tree, Catalogue()
        self.lines = tree.span.source.text.split("\n")
        self.used: set[int] = set()
        """Lines whose comment is written already."""

    def table(self, node: Node, path: Path) -> Iterator[str]:
        """The entries of a mapping that fit a line each, then the mappings below it."""
        assert isinstance(node.value, dict)
        below = [(key, child) for key, child in node.value.items() if _is_table(child)]
        for key, child in node.value.items():
            if not _is_table(child):
                yield from self._entry(key, child, (*path, key))
        for key, child in below:
            yield ""
            yield from self._above(child)
            yield f"[{'.'.join(_key(str(part)) for part in (*path, key))}]{self._beside(child)}"
            yield from self.table(child, (*path, key))

    def _entry(self, key: str, child: Node, path: Path) -> Iterator[str]:
        yield from self._above(child)
        child = self._without_null(child, path)
        if child.value is None:
            yield f"# {key} is null in YAML; TOML has no null{self._beside(child)}"
            return
        line = f"{_key(key)} = {_value(child)}"
        if len(line) > WIDTH and isinstance(child.value, list) and child.value:
            yield f"{_key(key)} = [{self._beside(child)}"
            for item in child.value:
                yield from (f"  {text}" for text in self._above(item))
                yield f"  {_value(item)},{self._beside(item)}"
            yield "]"
            return
        yield line + self._beside(child)

    def _without_null(self, node: Node, path: Path) -> Node:
        """``node``, with ``none`` for every component that is null."""
        match node.value:
            case None if self._component(path):
                return Node(NOTHING, node.span, key=node.key)
            case dict() as entries:
                held = {key: self._without_null(child, (*path, key)) for key, child in entries.items()}
                return Node(held, node.span, key=node.key)
        return node

    def _component(self, path: Path) -> bool:
        place_of = path[2:] if path[0] == "profiles" else path
        shape = place(self.tree, place_of, self.catalogue).shape
        return shape is not None and shape.slot is not None

    def _line(self, node: Node) -> int:
        span = node.key or node.span
        return span.source.position(span.start)[0]

    def _above(self, node: Node) -> list[str]:
        """Lines of comment that stand right above, with a blank line where one stood before them."""
        number = self._line(node) - 1
        first = number
        while first and self.lines[first - 1].lstrip().startswith("#"):
            first -= 1
        found = [line for line in range(first, number) if line not in self.used]
        self.used |= set(found)
        blank = [""] if first and not self.lines[first - 1].strip() else []
        return [*blank, *(self.lines[line].strip() for line in found)]

    def _beside(self, node: Node) -> str:
        """The comment at the end of the node's line."""
        number = self._line(node) - 1
        end = node.span.source.position(node.span.end)
        inside = isinstance(node.value, dict | list) and end[0] != number + 1
        behind = self.lines[number] if inside else self.lines[number][end[1] - 1 :]
        match = _COMMENT.search(behind.partition(":")[2] if inside else behind)
        if match is None or number in self.used:
            return ""
        self.used.add(number)
        return f"   {match.group().strip()}"


def _is_table(node: Node) -> bool:
    """A mapping that YAML wrote line by line, or one that is too long for a line."""
    if not isinstance(node.value, dict) or not node.value:
        return False
    return node.span.text[:1] != "{" or len(_value(node)) > WIDTH


def _value(node: Node) -> str:
    match node.value:
        case dict() as entries:
            held = {key: child for key, child in entries.items() if child.value is not None}
            inner = ", ".join(f"{_key(key)} = {_value(child)}" for key, child in held.items())
            return f"{{{inner}}}"
        case list() as items:
            return f"[{', '.join(map(_value, items))}]"
        case bool() as switch:
            return "true" if switch else "false"
        case int() | float() as number:
            return node.span.text if _NUMBER(node.span.text) else repr(number)
        case str() as text:
            return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"a spec holds no {type(node.value).__name__}")


def _key(key: str) -> str:
    return key if _BARE(key) else json.dumps(key, ensure_ascii=False)

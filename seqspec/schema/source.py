r"""Where a value was written: sources, spans, and the tree that every reader gives.

Offsets count code points from 0; lines and columns count from 1.  Lines end at ``\n`` only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]

COMMAND_LINE = "<command line>"
"""What the source of a value of the command line is called."""


class Source:
    """One text that a person wrote: a file, the command line, an environment variable."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, in code points."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int) -> int:
        """Where a line begins."""
        return self._starts[line - 1]

    def line(self, number: int) -> str:
        """The text of one line, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].removesuffix("\r")

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


class Span(NamedTuple):
    """A half-open range of code points in one source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def __str__(self) -> str:
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"


class Poison:
    """Stands in a tree for a value that was refused; later stages read over it, so that one mistake is told
    of once.
    """

    def __repr__(self) -> str:
        return "POISON"


POISON = Poison()


_COLLECTIONS = (dict, list)


class Node:
    """One value of the tree with the places it came from.  Treat as frozen: make new nodes, never change one.

    ``value`` is a scalar, a ``dict[str, Node]`` or a ``list[Node]``.  ``key`` is the span of the key that
    names the node in its mapping.  ``via`` holds the span of each ``${…}`` that the value came through,
    outermost first.  ``replaced`` is the node that an overlay put this one over, so the chain tells step by
    step where a value came from.
    """

    __slots__ = ("key", "replaced", "span", "value", "via")

    def __init__(
        self,
        value: Scalar | Poison | dict[str, Node] | list[Node],
        span: Span,
        *,
        key: Span | None = None,
        via: tuple[Span, ...] = (),
        replaced: Node | None = None,
    ) -> None:
        self.value = value
        self.span = span
        self.key = key
        self.via = via
        self.replaced = replaced

    def data(self) -> object:
        """The plain value: dicts, lists and scalars."""
        value = self.value
        if type(value) is dict:
            return {
                key: child.data() if type(child.value) in _COLLECTIONS else child.value
                for key, child in value.items()
            }
        if type(value) is list:
            return [child.data() for child in value]
        return value

    def at(self, path: Path) -> Node | None:
        """The node at ``path`` below this one, or ``None``."""
        node: Node | None = self
        for part in path:
            if node is None:
                return None
            if isinstance(node.value, dict) and isinstance(part, str):
                node = node.value.get(part)
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
            else:
                return None
        return node

    def nearest(self, path: Path) -> tuple[Node, int]:
        """The deepest node on the way to ``path``, and how many parts of the path lead to it."""
        node = self
        for depth, part in enumerate(path):
            below = node.at((part,))
            if below is None:
                return node, depth
            node = below
        return node, len(path)

    def leaves(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """Every scalar (and empty collection) below this node, in the order written."""
        if isinstance(self.value, dict) and self.value:
            for key, child in self.value.items():
                yield from child.leaves((*path, key))
        elif isinstance(self.value, list) and self.value:
            for index, child in enumerate(self.value):
                yield from child.leaves((*path, index))
        else:
            yield path, self


Tree = Node
"""A whole document: the node of its root mapping."""


def dotted(path: Path) -> str:
    """``("evaluate", "metrics", 0)`` as ``evaluate.metrics[0]``, the way ``--set`` takes it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text

"""What stands at the cursor: the path of a value, and whether a key or a value is being written.

For finished text the tree knows.  For text that is being typed, a mark is put in place of the word at the
cursor, in each form that could be meant there, and the first text that can be read tells the path of the
mark: so completion works in block and flow style, in YAML and in TOML, by the readers that everything else
uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from seqspec.compile.parse.parse import parse_text
from seqspec.lsp.analysis import language_of
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.source import Node, Path, Source, Tree

MARK = "zzcursorzz"
_WORD = re.compile(r"[\w.\-]*")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a text that is being written."""

    path: Path
    """Of the value; for a key, of the mapping that it would stand in."""
    kind: Literal["key", "value"]
    prefix: str
    """The part of the word before the cursor."""
    start: int
    """Where the word begins."""
    end: int
    tree: Tree
    """The text with the mark in it."""


def path_at(tree: Tree, offset: int) -> tuple[Path, bool] | None:
    """The path of the innermost value at ``offset``, and whether the offset is on its key."""
    found = _path_at(tree, offset, ())
    return found if found and found[0] else None


def _path_at(node: Node, offset: int, path: Path) -> tuple[Path, bool] | None:
    children: Iterator[tuple[str | int, Node]] = iter(())
    if isinstance(node.value, dict):
        children = iter(node.value.items())
    elif isinstance(node.value, list):
        children = iter(enumerate(node.value))
    for part, child in children:
        key = child.key
        if key is not None and key.start <= offset <= key.end:
            return (*path, part), True
        inner = _path_at(child, offset, (*path, part))
        if inner is not None:
            return inner
    return (path, False) if node.span.start <= offset <= node.span.end else None


def cursor_at(source: Source, offset: int) -> Cursor | None:
    """What is being written at ``offset``; ``None`` where no reading of the text makes sense."""
    start, end = _word(source.text, offset)
    prefix = source.text[start:offset]
    for text in _marked(source.text, start, end):
        try:
            tree = parse_text(Source(source.name, text), language=language_of(source.name))
        except SpecError as error:
            if error.tree is None:
                continue
            tree = error.tree
        found = _find(tree, ())
        if found is not None:
            path, kind = found
            return Cursor(path, kind, prefix, start, end, tree)
    return None


def _word(text: str, offset: int) -> tuple[int, int]:
    start = offset
    while start and re.match(r"[\w\-]", text[start - 1]):
        start -= 1
    found = _WORD.match(text, start)
    return start, max(offset, found.end() if found else offset)


def _marked(text: str, start: int, end: int) -> Iterator[str]:
    """The text with the mark as a key, then as a value; then both again with nothing after this line."""
    head, tail = text[:start], text[end:]
    line_end = tail.find("\n")
    rest = tail if line_end < 0 else tail[:line_end]
    keys = [MARK] if re.match(r"\s*[:=]", rest) else [f"{MARK}: 0", f"{MARK} = 0"]
    space = " " if head.endswith((":", ",")) else ""
    for after in (tail, rest, rest + _closing(head + rest), _closing(head)):
        for word in [*keys, MARK, f'"{MARK}"']:
            yield f"{head}{space}{word}{after}"


def _closing(text: str) -> str:
    """The brackets that ``text`` leaves open, closed."""
    pairs = {"{": "}", "[": "]"}
    open_: list[str] = []
    for char in re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|(?m:#.*$)|\$\{[^}\n]*\}", "", text):
        if char in pairs:
            open_.append(pairs[char])
        elif open_ and char == open_[-1]:
            open_.pop()
    return "".join(reversed(open_))


def _find(node: Node, path: Path) -> tuple[Path, Literal["key", "value"]] | None:
    value = node.value
    if value == MARK:
        return path, "value"
    if isinstance(value, dict):
        for key, child in value.items():
            if key == MARK:
                return path, "key"
            found = _find(child, (*path, key))
            if found is not None:
                return found
    if isinstance(value, list):
        for index, child in enumerate(value):
            found = _find(child, (*path, index))
            if found is not None:
                return found
    return None

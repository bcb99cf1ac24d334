"""Trees in brackets, as in ``( (S (NP-SBJ (DT The) (NN dog)) (VP (VBD saw))) )``, read without recursion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_DEPTH = 200
_TOKEN = re.compile(r"[()]|[^\s()]+")


class Leaf(NamedTuple):
    """A word with its part of speech."""

    tag: str
    word: str


class Tree(NamedTuple):
    """A labelled phrase; the outermost pair of brackets of the corpus has no label."""

    label: str
    children: list[Tree | Leaf]


class BadTree(ValueError):
    """The text is no tree; ``line`` is where it went wrong, from 1."""

    def __init__(self, message: str, line: int) -> None:
        self.line = line
        super().__init__(message)


def read_trees(text: str) -> Iterator[tuple[range, Tree]]:
    """Every tree of a file with the lines it stands on."""
    stack: list[tuple[int, list[str | Tree | Leaf]]] = []
    line, at = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        token = match.group()
        if token == "(":  # noqa: S105
            stack.append((line, []))
            if len(stack) > MAX_DEPTH:
                raise BadTree(f"the tree is deeper than {MAX_DEPTH}", line)
        elif not stack:
            raise BadTree(f"`{token[:40]}` stands outside of any tree", line)
        elif token != ")":  # noqa: S105
            stack[-1][1].append(token)
        else:
            began, parts = stack.pop()
            node = _node(parts, line)
            if stack:
                stack[-1][1].append(node)
            elif isinstance(node, Tree):
                yield range(began, line + 1), node
            else:
                raise BadTree(f"`{node.word[:40]}` is a word outside of any tree", line)
    if stack:
        raise BadTree("the tree that begins here is never closed", stack[0][0])


def without_traces(tree: Tree) -> Tree | None:
    """The tree without empty elements (``-NONE-``) and without phrases that hold nothing else; labels without
    functions.
    """
    kept: list[Tree | Leaf] = []
    for child in tree.children:
        if isinstance(child, Leaf):
            kept += [child] if child.tag != "-NONE-" else []
        elif (inner := without_traces(child)) is not None:
            kept.append(inner)
    return Tree(_plain(tree.label), kept) if kept else None


def words(tree: Tree) -> Iterator[str]:
    """The words of the sentence."""
    for child in tree.children:
        yield from [child.word] if isinstance(child, Leaf) else words(child)


def linearised(tree: Tree, *, tags: bool) -> Iterator[str]:
    """Symbols of the tree, depth first: ``(NP``, a leaf, ``)NP``; leaves are ``XX`` without ``tags``."""
    if tree.label:
        yield f"({tree.label}"
    for child in tree.children:
        if isinstance(child, Leaf):
            yield child.tag if tags else "XX"
        else:
            yield from linearised(child, tags=tags)
    if tree.label:
        yield f"){tree.label}"


def _node(parts: list[str | Tree | Leaf], line: int) -> Tree | Leaf:
    if len(parts) == 2 and isinstance(parts[0], str) and isinstance(parts[1], str):
        return Leaf(parts[0], parts[1])
    label = parts[0] if parts and isinstance(parts[0], str) else ""
    children = parts[1:] if label else parts
    strays = [part for part in children if isinstance(part, str)]
    if strays or not children:
        raise BadTree(
            f"`{strays[0][:40]}` has no part of speech" if strays else "a pair of brackets is empty", line
        )
    return Tree(label, [part for part in children if not isinstance(part, str)])


def _plain(label: str) -> str:
    """``NP-SBJ=2`` as ``NP``; labels that begin with a dash, such as ``-LRB-``, stay whole."""
    return label if label.startswith("-") else re.split(r"[-=]", label, maxsplit=1)[0]

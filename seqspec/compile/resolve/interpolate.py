"""``${path}``: a value that is written once and used again.  ``$${`` stands for ``${`` itself.

Only what is written can be referred to.  ``${env:NAME}`` is checked and left as it is: whoever opens the
path expands it (``schema/environment.py``), so that plans and locks hold the name and never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from seqspec.compile.language.expected_schema import place
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.parse.limits import MOST_ADVISED, MOST_DEPTH, MOST_NODES, MOST_SCALAR
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, Label, SpecError
from seqspec.schema.environment import NAMED
from seqspec.schema.source import POISON, Node, Path, Span, dotted

_MARK = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_PATH = re.compile(r"[^\s.\[\]]+(?:\.[^\s.\[\]]+|\[\d{1,5}\])*").fullmatch
_HOW = "write `${path.of.a.setting}`, or `$${` for the two characters themselves"
_VARIABLE = re.compile(r"(?:oc\.env:|env\.|ENV:)?([A-Z][A-Z0-9_]*)(?:,.*)?")
"""A variable of the environment, as a shell or another framework names it; no setting is in capitals."""
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]").finditer


def interpolate(root: Node, catalogue: Catalogue) -> Node:
    """``root`` with every ``${path}`` filled in.  Raises ``SpecError`` with every reference that leads
    nowhere.
    """
    if not _refers(root):
        return root
    work = _Interpolation(root, catalogue)
    done = work.node((), root)
    if work.found:
        raise SpecError(work.found, tree=done.node)
    return done.node


def _refers(node: Node) -> bool:
    """Whether any text below ``node`` holds ``${``."""
    value = node.value
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(map(_refers, value.values()))
    return isinstance(value, list) and any(map(_refers, value))


class _Done(NamedTuple):
    node: Node
    size: int
    """Values in it, itself included."""
    depth: int


class _Interpolation:
    def __init__(self, root: Node, catalogue: Catalogue) -> None:
        self.root = root
        self.catalogue = catalogue
        self.found: list[Diagnostic] = []
        self.done: dict[Path, _Done] = {}
        self.active: list[tuple[Path, Span]] = []
        self.where: Path = ()
        """The setting whose text is being read."""

    def node(self, path: Path, node: Node) -> _Done:
        value = node.value
        if isinstance(value, str):
            if "${" not in value:
                return _Done(node, 1, 0)
            if path not in self.done:
                outer, self.where = self.where, path
                self.done[path] = self._text(path, node)
                self.where = outer
            return self.done[path]
        if not isinstance(value, dict | list):
            return _Done(node, 1, 0)
        if path in self.done:
            return self.done[path]
        self.done[path] = done = self._collection(path, node, value)
        return done

    def _collection(self, path: Path, node: Node, value: dict[str, Node] | list[Node]) -> _Done:
        entries: Iterable[tuple[str | int, Node]]
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        size, depth = 1, 1
        changes: dict[Any, Node] = {}
        for key, child in entries:
            inner = child.value
            if not isinstance(inner, dict | list) and not (isinstance(inner, str) and "${" in inner):
                size += 1
                continue
            below = self.node((*path, key), child)
            size += below.size
            depth = max(depth, below.depth + 1)
            if below.node is not child:
                changes[key] = below.node
        if size > MOST_NODES or depth + len(path) > MOST_DEPTH:
            self._note(
                node.span,
                "SQ316",
                "`${…}` makes the spec grow beyond every measure",
                f"a spec may hold {MOST_NODES:,} values, {MOST_DEPTH} deep; write out what is needed",
            )
            return _Done(Node(POISON, node.span, key=node.key), 1, 0)
        if not changes:
            return _Done(node, size, depth)
        filled: dict[str, Node] | list[Node]
        if isinstance(value, dict):
            filled = {**value, **changes}
        else:
            filled = [changes.get(index, child) for index, child in enumerate(value)]
        return _Done(Node(filled, node.span, key=node.key, via=node.via, replaced=node.replaced), size, depth)

    def _text(self, path: Path, node: Node) -> _Done:
        text = str(node.value)
        match = _MARK.fullmatch(text)
        if match and match.group(1) is not None and match.group(2) and not match.group(1).startswith("env:"):
            return self._whole(path, node, match.group(1))
        joined: str | None = ""
        at = 0
        for match in _MARK.finditer(text):
            piece = self._piece(path, node, match)
            joined = None if joined is None or piece is None else joined + text[at : match.start()] + piece
            at = match.end()
            if joined is not None and len(joined) > MOST_SCALAR:
                said = "`${…}` makes this text grow beyond every measure"
                self._note(node.span, "SQ316", said, f"a text may be {MOST_SCALAR // 1024} KiB long")
                joined = None
        whole = POISON if joined is None else joined + text[at:]
        return _Done(Node(whole, node.span, key=node.key, via=node.via, replaced=node.replaced), 1, 0)

    def _whole(self, path: Path, node: Node, name: str) -> _Done:
        found = self._target(path, name, node.span)
        if found is None:
            return _Done(Node(POISON, node.span, key=node.key), 1, 0)
        target = found.node
        via = (node.span, *target.via)
        return _Done(
            Node(target.value, target.span, key=node.key, via=via, replaced=node.replaced),
            found.size,
            found.depth,
        )

    def _piece(self, path: Path, node: Node, match: re.Match[str]) -> str | None:
        """What stands for one ``${…}`` within a text; ``None`` where that is a mistake."""
        name, closed = match.groups()
        if name is None:
            return "${"
        span = _within(node, match)
        if not closed:
            self._note(span, "SQ312", "`${` is not closed by `}`", _HOW)
            return None
        if name.startswith("env:"):
            return self._environment(path, match, span)
        found = self._target(path, name, span)
        if found is None or found.node.value is POISON:
            return None
        value = found.node.value
        if isinstance(value, dict | list) or value is None:
            said = f"`{name}` is no single value, so it cannot stand within a text"
            self._note(span, "SQ315", said, "refer to one of the values in it")
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _environment(self, path: Path, match: re.Match[str], span: Span) -> str | None:
        text = match.group()
        if not NAMED.fullmatch(text):
            said = f"`{text}` does not name an environment variable"
            self._note(span, "SQ312", said, "write `${env:NAME}` or `${env:NAME:-default}`")
            return None
        shape = place(self.root, path, self.catalogue).shape
        if shape is not None and not shape.environment:
            said = f"the environment cannot decide `{dotted(path)}`"
            self._note(
                span,
                "SQ313",
                said,
                "only paths and credentials come from it; write the value, or use `--set`",
            )
            return None
        return text

    def _target(self, path: Path, name: str, span: Span) -> _Done | None:
        if not _PATH(name):
            self._note(span, "SQ312", f"`${{{name}}}` does not hold the path of a setting", _HOW)
            return None
        target: Path = tuple(int(m.group(2)) if m.group(2) else m.group(1) for m in _PART(name))
        node, depth = self.root.nearest(target)
        if depth < len(target) and isinstance(node.value, str) and "${" in node.value:
            return self._through(path, target, depth, span)
        found = node if depth == len(target) else None
        if found is None:
            self.found.append(self._undefined(target, name, span))
            return None
        chain = [place_ for place_, _ in self.active]
        if target in chain or path[: len(target)] == target:
            self.found.append(self._circle(target, span))
            return None
        if len(chain) >= MOST_DEPTH:
            self._note(
                span,
                "SQ316",
                f"`${{…}}` leads through more than {MOST_DEPTH} others",
                "refer to the value itself",
            )
            return None
        self.active.append((target, span))
        try:
            return self.node(target, found)
        finally:
            self.active.pop()

    def _through(self, path: Path, target: Path, depth: int, span: Span) -> _Done | None:
        """What a path leads to that goes through another reference."""
        below = self._target(path, dotted(target[:depth]), span)
        if below is None or below.node.value is POISON:
            return below
        found = below.node.at(target[depth:])
        if found is not None:
            return _Done(found, below.size, below.depth)
        self.found.append(self._undefined(target, dotted(target), span))
        return None

    def _undefined(self, target: Path, name: str, span: Span) -> Diagnostic:
        node, depth = self.root.nearest(target)
        missing = target[depth]
        below = node.value if isinstance(node.value, dict) else {}
        close = nearest(str(missing), below) if len(self.found) < MOST_ADVISED else None
        if close:
            help = f"did you mean `${{{dotted((*target[:depth], close, *target[depth + 1 :]))}}}`?"
        elif isinstance(missing, int):
            help = "entries count from 0"
        elif re.match(r"(now|oc|hydra|eval|sum|range)\b[.:]", name) and not _VARIABLE.fullmatch(name):
            help = "nothing is worked out in a spec; write the value itself"
        elif variable := _VARIABLE.fullmatch(name):
            help = f"for an environment variable write `${{env:{variable.group(1)}}}`"
        else:
            help = "only what the spec writes, in full from its top, can be referred to"
        where = f" in `{dotted(target[:depth])}`" if depth else ""
        said = (
            f"there is no `{missing}`{where}"
            if isinstance(missing, str)
            else f"there is no entry [{missing}]{where}"
        )
        return Diagnostic("SQ310", f"`${{{name}}}` leads nowhere: {said}", span, help=help, path=self.where)

    def _circle(self, target: Path, span: Span) -> Diagnostic:
        labels = tuple(Label(via, "through here") for _, via in self.active[:3] if via != span)
        return Diagnostic(
            "SQ311",
            f"`${{{dotted(target)}}}` refers to itself",
            span,
            labels=labels,
            path=self.where,
            help="write the value in one of the places",
        )

    def _note(self, span: Span, code: str, message: str, help: str) -> None:
        self.found.append(Diagnostic(code, message, span, help=help, path=self.where))


def _within(node: Node, match: re.Match[str]) -> Span:
    """The place of a match inside the text of ``node``, as long as the text is written as it reads."""
    start = node.span.text.find(match.group())
    if start < 0:
        return node.span
    begin = node.span.start + start
    return Span(node.span.source, begin, begin + len(match.group()))

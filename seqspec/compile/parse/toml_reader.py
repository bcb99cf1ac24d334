"""TOML 1.0 to tree, with the place of every key and value.

The standard library's ``tomllib`` keeps no places, so the grammar (https://toml.io/en/v1.0.0) is read here;
a property test holds that both accept the same texts and give the same values.  Two differences, both on
purpose: dates are refused, as no setting is one, and whole numbers end at 64 bits.
"""

from __future__ import annotations

import re
from typing import Literal

from seqspec.compile.parse.limits import MOST_DEPTH, MOST_DOTS, MOST_NODES, MOST_SCALAR
from seqspec.compile.parse.toml_values import BadToml, Value, bare, string
from seqspec.compile.parse.yaml_reader import twice
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import POISON, Node, Poison, Scalar, Source, Span, Tree

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|$)")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

Kind = Literal["implied", "header", "dotted", "inline"]
Key = list[tuple[str, Span]]


def read(source: Source) -> Tree:
    """The tree of a TOML text.  Raises ``SpecError``."""
    reader = _Reader(source)
    try:
        root = reader.document()
    except BadToml as bad:
        reader.refuse(bad)
        raise SpecError(reader.found) from None
    if reader.found:
        raise SpecError(sorted(reader.found, key=lambda d: d.span.start if d.span else 0), tree=root)
    if not root.value:
        raise SpecError(
            [
                Diagnostic(
                    "SQ016",
                    "the spec is empty",
                    Span(source, 0, 0),
                    help="`seqspec new TASK` writes one to start from",
                )
            ]
        )
    return root


class _Reader:
    """Reads one document.  ``kinds`` says of every table how it was made, which decides what may still be
    added to it.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.found: list[Diagnostic] = []
        self.num_nodes = 0
        self.kinds: dict[int, tuple[Kind, int]] = {}
        self.section = 0
        self.tables: list[dict[str, Node]] = []
        """Every table, so that none is freed while ``kinds`` knows it by its identity."""

    def document(self) -> Node:
        root = table = self._loose("header")
        while True:
            self._gap()
            if self.at >= len(self.text):
                return Node(root, Span(self.source, 0, len(self.text)))
            if self.text.startswith("[[", self.at):
                table = self._header(root, many=True)
            elif self.text[self.at] == "[":
                table = self._header(root, many=False)
            else:
                self._entry(table)
            self._line_end()

    def refuse(self, bad: BadToml) -> None:
        span = Span(self.source, bad.start, min(bad.end, len(self.text)))
        self.found.append(Diagnostic(bad.code, bad.message, span, help=bad.help))

    def _header(self, root: dict[str, Node], *, many: bool) -> dict[str, Node]:
        self.section += 1
        start, width = self.at, 2 if many else 1
        self.at += width
        key = self._key()
        if not self.text.startswith("]" * width, self.at):
            raise BadToml(
                f"`{']' * width}` is missing after the table's name",
                self.at,
                help="close the name on the same line",
            )
        self.at += width
        span = Span(self.source, start, self.at)
        table = root
        for name, place in key[:-1]:
            table = self._step(table, name, place, "implied")
        name, place = key[-1]
        return self._append(table, name, place, span) if many else self._open(table, name, place, span)

    def _open(self, table: dict[str, Node], name: str, place: Span, span: Span) -> dict[str, Node]:
        old = table.get(name)
        if old is None:
            return self._new(table, name, place, span, "header")
        if isinstance(old.value, dict) and self.kinds[id(old.value)][0] == "implied":
            self.kinds[id(old.value)] = ("header", self.section)
            return old.value
        self._twice(name, place, old)
        return self._loose()

    def _append(self, table: dict[str, Node], name: str, place: Span, span: Span) -> dict[str, Node]:
        old = table.get(name)
        if old is None:
            old = table[name] = Node([], span, key=place)
            self.kinds[id(old.value)] = ("header", self.section)
        if not isinstance(old.value, list) or id(old.value) not in self.kinds:
            self._twice(name, place, old)
            return self._loose()
        entry = self._loose("header")
        old.value.append(Node(entry, span))
        return entry

    def _loose(self, kind: Kind = "implied") -> dict[str, Node]:
        """A table that hangs nowhere yet, or nowhere at all because its name was refused."""
        entry: dict[str, Node] = {}
        self.kinds[id(entry)] = (kind, self.section)
        self._count()
        self.tables.append(entry)
        return entry

    def _new(self, table: dict[str, Node], name: str, place: Span, span: Span, kind: Kind) -> dict[str, Node]:
        entry = self._loose(kind)
        table[name] = Node(entry, span, key=place)
        return entry

    def _step(self, table: dict[str, Node], name: str, place: Span, kind: Kind) -> dict[str, Node]:
        """The table one part of a key further down, made where there is none."""
        old = table.get(name)
        if old is None:
            return self._new(table, name, place, place, kind)
        value = old.value
        if kind == "implied" and isinstance(value, list) and id(value) in self.kinds and value:
            value = value[-1].value
        if isinstance(value, dict):
            made, section = self.kinds[id(value)]
            if made != "inline" and (
                kind == "implied" or made == "implied" or (made == "dotted" and section == self.section)
            ):
                if kind == "dotted":
                    self.kinds[id(value)] = ("dotted", self.section)
                return value
        self._twice(name, place, old)
        return self._loose(kind)

    def _entry(self, table: dict[str, Node], depth: int = 0) -> None:
        key = self._key()
        if not self.text.startswith("=", self.at):
            if self.text.startswith("＝", self.at):
                said, help = "a full-width `＝` stands where TOML needs `=`", "switch to half-width letters"
                raise BadToml(said, self.at, self.at + 1, help=help)
            raise BadToml(
                "`=` is missing after a key",
                self.at,
                help="write `key = value`; a table's name stands in `[ ]`",
            )
        self.at += 1
        self._blank()
        for name, place in key[:-1]:
            table = self._step(table, name, place, "dotted")
        name, place = key[-1]
        node = self._value(depth)
        node = Node(node.value, node.span, key=place)
        if name in table:
            self._twice(name, place, table[name])
        else:
            table[name] = node

    def _key(self) -> Key:
        parts: Key = []
        while True:
            self._blank()
            parts.append(self._key_part())
            self._blank()
            if not self.text.startswith(".", self.at):
                return parts
            if len(parts) > MOST_DOTS:
                raise BadToml(
                    f"a key has more than {MOST_DOTS} dots",
                    self.at,
                    help="no setting lies that deep",
                    code="SQ004",
                )
            self.at += 1

    def _key_part(self) -> tuple[str, Span]:
        start = self.at
        char = self.text[start : start + 1]
        if char in ("'", '"') and char:
            if self.text.startswith(char * 3, start):
                raise BadToml(
                    "a key cannot run over several lines", start, start + 3, help="use one pair of quotes"
                )
            value = string(self.text, start)
            name, self.at = str(value.value), value.end
        else:
            match = _BARE_KEY.match(self.text, start)
            if match is None and char in ("\n", "}"):
                said, help = (
                    "an inline table goes on here",
                    "keep `{ … }` on one line, no comma before the `}`",
                )
                raise BadToml(said, start, help=help)
            if match is None:
                raise BadToml(
                    "a key was expected here",
                    start,
                    help="write `key = value`; keys of other characters stand in quotes",
                )
            name, self.at = match.group(), match.end()
        return name, Span(self.source, start, self.at)

    def _value(self, depth: int) -> Node:
        start = self.at
        char = self.text[start : start + 1]
        if char == "[" or char == "{":
            if depth >= MOST_DEPTH:
                raise BadToml(
                    f"values are nested more than {MOST_DEPTH} deep",
                    start,
                    help="no experiment needs that many levels",
                    code="SQ004",
                )
            filled = self._array(depth + 1) if char == "[" else self._inline(depth + 1)
            return Node(filled, Span(self.source, start, self.at))
        value = string(self.text, start) if char in ("'", '"') and char else bare(self.text, start)
        self.at = value.end
        return Node(self._checked(value, start), Span(self.source, start, self.at))

    def _checked(self, value: Value, start: int) -> Scalar | Poison:
        self._count()
        if value.refused is not None:
            self.refuse(value.refused)
        if isinstance(value.value, str) and len(value.value) > MOST_SCALAR:
            self.refuse(
                BadToml(
                    f"a value is longer than {MOST_SCALAR // 1024} KiB",
                    start,
                    value.end,
                    help="put long texts in files of their own",
                    code="SQ006",
                )
            )
            return POISON
        return value.value

    def _array(self, depth: int) -> list[Node]:
        opened = self.at
        self._count()
        items: list[Node] = []
        self.at += 1
        while True:
            self._gap()
            if self.text.startswith("]", self.at):
                self.at += 1
                return items
            items.append(self._value(depth))
            self._gap()
            self._comma("]", "list", opened)

    def _inline(self, depth: int) -> dict[str, Node]:
        opened = self.at
        table: dict[str, Node] = self._loose("inline")
        section, self.section = self.section, -self.at - 1
        self.at += 1
        self._blank()
        first = True
        while not (first and self.text.startswith("}", self.at)):
            first = False
            self._entry(table, depth)
            self._blank()
            if self.text.startswith("}", self.at):
                break
            self._comma("}", "table", opened)
        self.at += 1
        self.section = section
        self._freeze(table)
        return table

    def _freeze(self, table: dict[str, Node]) -> None:
        self.kinds[id(table)] = ("inline", 0)
        for child in table.values():
            if isinstance(child.value, dict):
                self._freeze(child.value)

    def _comma(self, close: str, what: str, opened: int) -> None:
        if self.text.startswith(",", self.at):
            self.at += 1
        elif not self.text.startswith(close, self.at):
            at = min(self.at, len(self.text.rstrip()))
            line = self.source.position(opened)[0]
            raise BadToml(
                f"a `,` or `{close}` is missing in a {what} that began in line {line}",
                at,
                help=f"separate its entries with commas and close it with `{close}`",
            )

    def _twice(self, name: str, place: Span, old: Node) -> None:
        self.found.append(twice(name, place, old))

    def _count(self) -> None:
        self.num_nodes += 1
        if self.num_nodes > MOST_NODES:
            raise BadToml(
                f"the spec holds more than {MOST_NODES:,} keys and values",
                self.at,
                help="put lists of that size in files of their own",
                code="SQ005",
            )

    def _gap(self) -> None:
        self.at = _end(_GAP, self.text, self.at)

    def _blank(self) -> None:
        self.at = _end(_BLANK, self.text, self.at)

    def _line_end(self) -> None:
        match = _LINE_END.match(self.text, self.at)
        if match is None:
            self._blank()
            raise BadToml(
                "only a comment may follow here",
                self.at,
                help="write one `key = value` a line; text stands in quotes",
            )
        self.at = match.end()


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where the match of a pattern ends that matches nothing at all too."""
    match = pattern.match(text, at)
    return at if match is None else match.end()

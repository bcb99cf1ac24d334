"""YAML to tree: libyaml's events, guarded one by one, and our own construction of YAML 1.2 core values.

Nothing of PyYAML's constructors or resolvers is used, so none of YAML 1.1's surprises can come in, and
nothing is built before depth, number and length are checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from yaml import (
    CSafeLoader,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    YAMLError,
)
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from seqspec.compile.parse.limits import MOST_DEPTH, MOST_KEY, MOST_NODES, MOST_SCALAR
from seqspec.compile.parse.placeholders import left_over
from seqspec.compile.parse.scalars import WORDS, BadNumber, plain, shorten
from seqspec.compile.parse.yaml_errors import explain
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix, Label, SpecError
from seqspec.schema.source import POISON, Node, Path, Poison, Scalar, Source, Span, Tree, dotted

_new = tuple.__new__


def read(source: Source, *, text: str | None = None) -> Tree:
    """The tree of a YAML text.  Raises ``SpecError``.  ``text`` is read in place of the source's own,
    offset for offset.
    """
    reader = _Reader(source, source.text if text is None else text)
    root = reader.document()
    if reader.found:
        survivor = root if reader.whole else None
        raise SpecError(sorted(reader.found, key=lambda d: d.span.start if d.span else 0), tree=survivor)
    if root is None or (root.value is None and root.span.start == root.span.end):
        raise SpecError([_empty(source)])
    return root


def _empty(source: Source) -> Diagnostic:
    return Diagnostic(
        "SQ016",
        "the spec is empty",
        Span(source, 0, 0),
        help="`seqspec new TASK` writes one to start from",
    )


class _Stop(Exception):
    """Past a guard: nothing more is read."""


class _Anchor(NamedTuple):
    """``&name`` with the blanks behind it, and the path of its value."""

    span: Span
    path: Path | None
    """``None`` where it stands in an entry whose key was refused."""


class _Reader:
    """Reads one document from the events, keeping every mistake.

    A ``path`` is ``None`` below a key that was refused, where everything is read over.  A scalar that is as
    long as its place has neither quotes nor tag nor anchor: libyaml counts these in.
    """

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.loader = CSafeLoader(text)
        self.read: Callable[[], Any] = self.loader.get_event if len(text) <= MOST_NODES else self._counted
        self.found: list[Diagnostic] = []
        self.whole = True
        """Whether every key that was written stands in the tree, so that later stages can go on with it."""
        self.num_nodes = 0
        self.depth = 0
        self.end = 0
        """Where the last value ended."""
        self.anchors: dict[str, _Anchor] = {}
        self.aliased: set[str] = set()

    def document(self) -> Node | None:
        root = None
        try:
            for event in iter(self.read, None):
                if type(event) is DocumentStartEvent:
                    self._document_start(event, first=root is None)
                elif isinstance(event, NodeEvent):
                    root = self._value(event, (), None)
        except YAMLError as error:
            self._told_once(explain(error, self.source))
            self.whole = False
        except _Stop:
            self.whole = False
        finally:
            self.loader.dispose()
        self._lone_anchors()
        return root

    def _told_once(self, stop: Diagnostic) -> None:
        """Where reading stopped, unless what stands there was refused already."""
        span = stop.span
        if not any(d.span and span and span.start <= d.span.start < span.end for d in self.found):
            self.found.append(stop)

    def _document_start(self, event: Any, *, first: bool) -> None:
        if not first:
            self._stop("SQ015", event, "a second document begins here", "keep one experiment a file")
        if event.tags or event.version not in (None, (1, 2)):
            start = event.start_mark.index
            said = "directives other than `%YAML 1.2` are not part of the language"
            help = "delete the line that starts with `%`"
            self._note("SQ022", Span(self.source, start, start + 1), said, help)

    def _value(self, event: Any, path: Path | None, key: Span | None) -> Node:
        """The value at ``path``, which begins with ``event``; ``key`` is the place of its key."""
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event, path, key)
        if kind is AliasEvent:
            return self._alias(event, path, key)
        start = event.start_mark.index
        if event.tag is not None or event.anchor is not None:
            self._decorated(event, Span(self.source, start, event.end_mark.index), path)
        self.depth += 1
        if self.depth > MOST_DEPTH:
            said = f"values are nested more than {MOST_DEPTH} deep"
            self._stop("SQ004", event, said, "no experiment needs that many levels")
        value = self._mapping(path) if kind is MappingStartEvent else self._sequence(path)
        self.depth -= 1
        span = Span(self.source, start, max(self.end, start))
        return Node(value if event.tag is None else POISON, span, key=key)

    def _mapping(self, path: Path | None) -> dict[str, Node]:
        items: dict[str, Node] = {}
        source, read = self.source, self.read
        while type(event := read()) is not MappingEndEvent:
            start, end = event.start_mark.index, event.end_mark.index
            place = _new(Span, (source, start, end))
            text: str = event.value if type(event) is ScalarEvent else ""
            name: str | None = text
            simple = end - start == len(text) <= MOST_KEY and text.isidentifier()
            if not simple or text in items or text in WORDS:
                name, place = self._odd_key(event, place, items)
            event = read()
            if type(event) is ScalarEvent and event.anchor is None:
                node = self._scalar(event, None, place)
            else:
                below = None if path is None or name is None else (*path, name)
                node = self._value(event, below, place)
            if name is not None:
                items[name] = node
        self._ended(event)
        return items

    def _sequence(self, path: Path | None) -> list[Node]:
        items: list[Node] = []
        read = self.read
        while type(event := read()) is not SequenceEndEvent:
            items.append(self._value(event, None if path is None else (*path, len(items)), None))
        self._ended(event)
        return items

    def _counted(self) -> Any:
        """The next event; only a text of more characters than there may be values can hold too many."""
        event = self.loader.get_event()
        self.num_nodes += isinstance(event, NodeEvent)
        if self.num_nodes > MOST_NODES:
            said = f"the spec holds more than {MOST_NODES:,} keys and values"
            self._stop("SQ005", event, said, "put lists of that size in files of their own")
        return event

    def _ended(self, event: Any) -> None:
        """A bracket ends a collection where it stands; a block ends with its last value."""
        if event.end_mark.index > event.start_mark.index:
            self.end = event.end_mark.index

    def _scalar(self, event: Any, path: Path | None, key: Span | None) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        self.end = end
        span = _new(Span, (self.source, start, end))
        text: str = event.value
        if end - start == len(text) <= MOST_SCALAR:
            return Node(self._plain(text, span), span, key=key)
        value: Scalar | Poison = text
        if event.tag is not None or event.anchor is not None:
            span = self._decorated(event, span, path)
        if event.tag is not None:
            value = POISON
        elif len(text) > MOST_SCALAR:
            said = f"a value is longer than {MOST_SCALAR // 1024} KiB"
            self._note("SQ006", span, said, "put long texts in files of their own")
            value = POISON
        elif event.style == "":
            value = self._plain(text, span)
        return Node(value, span, key=key)

    def _plain(self, text: str, span: Span) -> Scalar | Poison:
        """The value of a text without quotes."""
        if text[:1].isalpha() and text not in WORDS:
            return text
        try:
            return plain(text)
        except BadNumber as bad:
            fix = None
            if bad.replacement is not None:
                fix = Fix(f"write `{bad.replacement}`", (Edit(span, bad.replacement),), safe=False)
            self.found.append(Diagnostic(bad.code, bad.message, span, help=bad.help, fix=fix))
            return POISON

    def _odd_key(self, event: Any, span: Span, items: dict[str, Node]) -> tuple[str | None, Span]:
        """A key that is not a plain name, and its place; no key where it is refused."""
        if type(event) is not ScalarEvent:
            self._no_text(event, span)
            return None, span
        if event.tag is not None or event.anchor is not None:
            span = self._decorated(event, span, None)
        quoted = event.style != "" or event.tag is not None
        return self._spelt_key(event.value, span, items, quoted=quoted), span

    def _no_text(self, event: Any, span: Span) -> None:
        if type(event) is AliasEvent:
            said = f"`{shorten(span.text)}` is an alias, and the language has none"
            self._refuse("SQ013", span, said, "a key is written out")
        else:
            start = Span(self.source, span.start, span.start + 1)
            said, help = "a key must be text, not a list or a mapping", "write the name of one setting"
            template = self.source.text[span.start - 1 : span.start + 200].partition("\n")[0]
            if template.startswith("{{") and (unfilled := left_over(template)):
                said, help = "a value takes the place of `{{ … }}`; YAML reads it as a key", unfilled
            self._refuse("SQ011", start, said, help)
            self._skip()

    def _skip(self) -> None:
        """Read over the rest of a collection that has begun."""
        depth = 1
        while depth:
            event = self.read()
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)

    def _spelt_key(self, text: str, span: Span, items: dict[str, Node], *, quoted: bool) -> str | None:
        """``text`` where it may be a key in spite of its looks."""
        if text in items:
            self.found.append(twice(text, span, items[text]))
            return None
        if len(text) > MOST_KEY:
            said = f"a key is longer than {MOST_KEY} characters"
            return self._refuse("SQ006", span, said, "keys are names of settings")
        if quoted:
            return text
        if text == "<<":
            said = "merge keys (`<<`) are not part of the language"
            return self._refuse("SQ014", span, said, "use `extends:` for settings that several specs share")
        if text == "":
            return self._refuse("SQ011", span, "a key is missing before `:`", "write the key")
        if text[0].isspace():
            blank = Span(self.source, span.start, span.start + 1)
            said = f"the blank U+{ord(text[0]):04X} stands where only spaces may indent"
            fix = Fix("write a space", (Edit(blank, " "),), safe=False)
            return self._refuse("SQ018", blank, said, "indent with spaces, in half-width letters", fix)
        if not isinstance(_quiet(text), str):
            said = f"the key `{shorten(text)}` is not text"
            if re.search(r"[0-9],$", self.source.text[max(0, span.start - 2) : span.start]):
                said = f"the comma before `{shorten(text)}` divides two entries, not the decimals of a number"
                return self._refuse("SQ011", span, said, "write decimals with a point, such as `0.001`")
            return self._refuse("SQ011", span, said, f'write it in quotes: `"{shorten(text)}"`')
        return text

    def _refuse(self, code: str, span: Span, message: str, help: str, fix: Fix | None = None) -> str | None:
        """Keep the mistake of a key; there is no key then."""
        self.found.append(Diagnostic(code, message, span, help=help, fix=fix))
        self.whole = False
        return None

    def _alias(self, event: Any, path: Path | None, key: Span | None) -> Node:
        span = Span(self.source, event.start_mark.index, event.end_mark.index)
        self.end = span.end
        self.aliased.add(event.anchor)
        node = Node(POISON, span, key=key)
        if path is None:
            return node
        said = f"`{shorten(span.text)}` is an alias, and the language has none"
        anchor = self.anchors.get(event.anchor)
        if anchor is None or anchor.path is None:
            self._note("SQ013", span, said, "text that starts with `*` stands in quotes")
            return node
        text = f'"${{{dotted(anchor.path)}}}"'
        self.found.append(
            Diagnostic(
                "SQ013",
                said,
                span,
                labels=(Label(anchor.span, "what it stands for"),),
                help=f"write `{text}`",
                fix=Fix(f"write `{text}`", (Edit(span, text),), safe=True),
            )
        )
        return node

    def _decorated(self, event: Any, span: Span, path: Path | None) -> Span:
        """Refuse a tag, remember an anchor; gives the span of the value itself."""
        written = span.text.split(maxsplit=1)
        mark = Span(self.source, span.start, span.start + len(written[0]) if written else span.end)
        if event.tag is not None or mark.text.startswith("!"):
            from seqspec.compile.parse.yaml_tags import instead_of_tag

            said = f"`{shorten(mark.text)}` is a tag, and the language has none"
            self._note("SQ012", mark, said, instead_of_tag(mark.text))
            return span
        rest = len(span.text) - len(span.text[mark.end - mark.start :].lstrip())
        self.anchors[event.anchor] = _Anchor(Span(self.source, mark.start, span.start + rest), path)
        return Span(self.source, span.start + rest, span.end)

    def _lone_anchors(self) -> None:
        """Anchors that nothing refers to; for the others the alias is told of."""
        for name, anchor in self.anchors.items():
            if name not in self.aliased:
                span = Span(self.source, anchor.span.start, anchor.span.start + len(name) + 1)
                fix = Fix("delete it", (Edit(anchor.span, ""),), safe=True)
                said = f"`{shorten(span.text)}` is an anchor, and the language has none"
                help = "delete it; text that starts with `&` stands in quotes"
                self.found.append(Diagnostic("SQ013", said, span, help=help, fix=fix))

    def _note(self, code: str, span: Span, message: str, help: str) -> None:
        self.found.append(Diagnostic(code, message, span, help=help))

    def _stop(self, code: str, event: Any, message: str, help: str) -> NoReturn:
        self._note(code, Span(self.source, event.start_mark.index, event.end_mark.index), message, help)
        raise _Stop


def twice(name: str, place: Span, old: Node) -> Diagnostic:
    """A key that stands a second time in one mapping."""
    labels = (Label(old.key, "first given here"),) if old.key is not None else ()
    return Diagnostic(
        "SQ010", f"the key `{shorten(name)}` is given twice", place, labels=labels, help="keep one of the two"
    )


def _quiet(text: str) -> Scalar:
    try:
        return plain(text)
    except BadNumber:
        return 0

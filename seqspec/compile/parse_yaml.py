"""YAML to tree: libyaml's events, guarded one by one, and our own construction of YAML 1.2 core values.

Nothing of PyYAML's constructors or resolvers is used, so none of YAML 1.1's surprises can come in, and
nothing is built before depth, number and length are checked.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from yaml import (
    CSafeLoader,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)
from yaml.events import AliasEvent, DocumentStartEvent

from seqspec.compile.limits import MOST_DEPTH, MOST_KEY, MOST_NODES, MOST_SCALAR
from seqspec.compile.scalars import WORDS, BadNumber, plain, shorten
from seqspec.compile.yaml_errors import explain
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix, Label, SpecError
from seqspec.schema.source import POISON, Node, Path, Poison, Scalar, Source, Span, Tree, dotted

_new = tuple.__new__
_DROPPED: Any = object()
"""Stands as the key of an entry that is read over because its key was already refused."""


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


class _Anchor(NamedTuple):
    """``&name`` with the blanks behind it, and the path of its value."""

    span: Span
    path: Path | None
    """``None`` where it stands in an entry whose key was refused."""


class _Frame:
    """A collection that is being read."""

    __slots__ = ("items", "key", "key_span", "refused", "start")

    def __init__(self, items: dict[str, Node] | list[Node], start: int) -> None:
        self.items = items
        self.start = start
        self.key: Any = None
        self.key_span: Span | None = None
        self.refused = False


_NOWHERE = _Frame([], 0)
"""Stands for the frame of a value at the top."""


class _Reader:
    """Reads one document from the events, keeping every mistake."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.text = text
        self.found: list[Diagnostic] = []
        self.stack: list[_Frame] = []
        self.root: Node | None = None
        self.end = 0
        self.whole = True
        """Whether every key that was written stands in the tree, so that later stages can go on with it."""
        self.stopped = False
        self.num_documents = 0
        self.anchors: dict[str, _Anchor] = {}
        self.aliased: set[str] = set()

    def document(self) -> Node | None:
        loader = CSafeLoader(self.text)
        try:
            self._events(loader.get_event)
        except YAMLError as error:
            self.found.append(explain(error, self.source))
            self.whole = False
        finally:
            loader.dispose()
        self._lone_anchors()
        return self.root

    def _events(self, next_event: Any) -> None:
        num_nodes = 0
        while (event := next_event()) is not None:
            kind = type(event)
            num_nodes += 1
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event, {} if kind is MappingStartEvent else [])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(event)
                continue
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self._document_start(event)
            if (num_nodes > MOST_NODES or len(self.stack) > MOST_DEPTH or self.stopped) and self._beyond(
                event
            ):
                return

    def _beyond(self, event: Any) -> bool:
        """Past a guard: nothing more is read."""
        if self.stopped:
            return True
        if len(self.stack) > MOST_DEPTH:
            said, help = (
                f"values are nested more than {MOST_DEPTH} deep",
                "no experiment needs that many levels",
            )
            self._stop("SQ004", event, said, help)
        else:
            said = f"the spec holds more than {MOST_NODES:,} keys and values"
            self._stop("SQ005", event, said, "put lists of that size in files of their own")
        return True

    def _scalar(self, event: Any) -> None:
        end = event.end_mark.index
        span = _new(Span, (self.source, event.start_mark.index, end))
        text: str = event.value
        if event.tag is not None or event.anchor is not None:
            span = self._decorated(event, span)
        quoted = event.style != "" or not event.implicit[0]
        frame = self.stack[-1] if self.stack else _NOWHERE
        items = frame.items
        if frame.key is None and type(items) is dict:
            if text in items or not (quoted or text.isidentifier()) or text in WORDS or len(text) > MOST_KEY:
                self._key(frame, text, span, quoted)
            else:
                frame.key, frame.key_span = text, span
        elif event.tag is not None:
            self._add(POISON, span)
        elif len(text) > MOST_SCALAR:
            most = MOST_SCALAR // 1024
            self._note(
                "SQ006", span, f"a value is longer than {most} KiB", "put long texts in files of their own"
            )
            self._add(POISON, span)
        elif quoted or (text[:1].isalpha() and text not in WORDS):
            self._add(text, span)
        else:
            self._add(self._plain(text, span), span)

    def _plain(self, text: str, span: Span) -> Scalar | Poison:
        try:
            return plain(text)
        except BadNumber as bad:
            fix = None
            if bad.replacement is not None:
                fix = Fix(f"write `{bad.replacement}`", (Edit(span, bad.replacement),), safe=False)
            self.found.append(Diagnostic(bad.code, bad.message, span, help=bad.help, fix=fix))
            return POISON

    def _key(self, frame: _Frame, text: str, span: Span, quoted: bool) -> None:
        assert isinstance(frame.items, dict)
        frame.key, frame.key_span = text, span
        if text in frame.items:
            self.found.append(twice(text, span, frame.items[text]))
            frame.key = _DROPPED
        elif text == "<<" and not quoted:
            self._drop(
                frame,
                "SQ014",
                span,
                "merge keys (`<<`) are not part of the language",
                "use `extends:` for settings that several specs share",
            )
        elif not quoted and text[:1].isspace():
            blank = Span(self.source, span.start, span.start + 1)
            fix = Fix("write a space", (Edit(blank, " "),), safe=False)
            self._drop(
                frame,
                "SQ018",
                blank,
                f"the blank U+{ord(text[0]):04X} stands where only spaces may indent",
                "indent with spaces, in half-width letters",
                fix,
            )
        elif not quoted and text == "":
            self._drop(frame, "SQ011", span, "a key is missing before `:`", "write the key")
        elif not quoted and not isinstance(_quiet(text), str):
            said = f"the key `{shorten(text)}` is not text"
            self._drop(frame, "SQ011", span, said, f'write it in quotes: `"{shorten(text)}"`')
        elif len(text) > MOST_KEY:
            self._drop(
                frame,
                "SQ006",
                span,
                f"a key is longer than {MOST_KEY} characters",
                "keys are names of settings",
            )

    def _drop(
        self, frame: _Frame, code: str, span: Span, message: str, help: str, fix: Fix | None = None
    ) -> None:
        self.found.append(Diagnostic(code, message, span, help=help, fix=fix))
        frame.key = _DROPPED
        self.whole = False

    def _open(self, event: Any, items: dict[str, Node] | list[Node]) -> None:
        start = event.start_mark.index
        if event.tag is not None or event.anchor is not None:
            self._decorated(event, Span(self.source, start, event.end_mark.index))
        frame = self.stack[-1] if self.stack else None
        if frame is not None and type(frame.items) is dict and frame.key is None:
            self._drop(
                frame,
                "SQ011",
                Span(self.source, start, start + 1),
                "a key must be text, not a list or a mapping",
                "write the name of one setting",
            )
            self.stack.append(_Frame([], start))
            self.stack[-1].key = _DROPPED
            return
        self.stack.append(_Frame(items, start))
        self.stack[-1].refused = event.tag is not None

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        end = event.end_mark.index
        if end > event.start_mark.index:
            self.end = end
        if type(frame.items) is list and frame.key is _DROPPED:
            return
        value = POISON if frame.refused else frame.items
        self._add(value, Span(self.source, frame.start, max(self.end, frame.start)))

    def _add(self, value: Scalar | Poison | dict[str, Node] | list[Node], span: Span) -> None:
        self.end = span.end
        if not self.stack:
            self.root = Node(value, span)
            return
        frame = self.stack[-1]
        items = frame.items
        if type(items) is list:
            if frame.key is not _DROPPED:
                items.append(Node(value, span))
            return
        if frame.key is not _DROPPED:
            items[frame.key] = Node(value, span, key=frame.key_span)
        frame.key = None

    def _alias(self, event: Any) -> None:
        span = Span(self.source, event.start_mark.index, event.end_mark.index)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is _DROPPED:
            self._add(POISON, span)
            return
        anchor = self.anchors.get(event.anchor)
        said = f"`{shorten(span.text)}` is an alias, and the language has none"
        if frame is not None and type(frame.items) is dict and frame.key is None:
            self._drop(frame, "SQ013", span, said, "a key is written out")
            return
        if anchor is None or anchor.path is None:
            self._note("SQ013", span, said, "text that starts with `*` stands in quotes")
        else:
            self.aliased.add(event.anchor)
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
        self._add(POISON, span)

    def _decorated(self, event: Any, span: Span) -> Span:
        """Refuse a tag, remember an anchor; gives the span of the value itself."""
        written = span.text.split(maxsplit=1)
        mark = Span(self.source, span.start, span.start + len(written[0]) if written else span.end)
        if event.tag is not None or mark.text.startswith("!"):
            self._note(
                "SQ012",
                mark,
                f"`{shorten(mark.text)}` is a tag, and the language has none",
                "the schema decides the type; text that starts with `!` stands in quotes",
            )
            return span
        path = tuple(len(f.items) if type(f.items) is list else f.key for f in self.stack)
        rest = len(span.text) - len(span.text[mark.end - mark.start :].lstrip())
        known = path if all(isinstance(part, str | int) for part in path) else None
        self.anchors[event.anchor] = _Anchor(Span(self.source, mark.start, span.start + rest), known)
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

    def _document_start(self, event: Any) -> None:
        self.num_documents += 1
        start = event.start_mark.index
        if self.num_documents > 1:
            self._stop("SQ015", event, "a second document begins here", "keep one experiment a file")
        elif event.tags or event.version not in (None, (1, 2)):
            said = "directives other than `%YAML 1.2` are not part of the language"
            self._note(
                "SQ022", Span(self.source, start, start + 1), said, "delete the line that starts with `%`"
            )

    def _note(self, code: str, span: Span, message: str, help: str) -> None:
        self.found.append(Diagnostic(code, message, span, help=help))

    def _stop(self, code: str, event: Any, message: str, help: str) -> None:
        self._note(code, Span(self.source, event.start_mark.index, event.end_mark.index), message, help)
        self.whole, self.stopped = False, True


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

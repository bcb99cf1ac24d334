"""YAML to tree: libyaml's events, guarded one by one, and our own construction of YAML 1.2 core values.

Nothing of PyYAML's constructors or resolvers is used, so none of YAML 1.1's surprises can come in, and nothing is built
before depth, number and length are checked.
"""

from __future__ import annotations

from typing import Any

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

from seqspec.compile.limits import MOST_DEPTH, MOST_NODES, MOST_SCALAR
from seqspec.compile.scalars import BadNumber, plain, shorten
from seqspec.compile.yaml_errors import explain
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix, Label, SpecError
from seqspec.schema.source import Node, Scalar, Source, Span, Tree

_DROPPED: Any = object()
"""Stands as the key of an entry that is read over because its key was already refused."""


def read(source: Source, *, text: str | None = None) -> Tree:
    """The tree of a YAML text.  Raises ``SpecError``.  ``text`` is read in place of the source's own, offset for offset."""
    reader = _Reader(source, source.text if text is None else text)
    root = reader.document()
    if reader.found:
        raise SpecError(sorted(reader.found, key=lambda d: d.span.start if d.span else 0))
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


class _Frame:
    """A collection that is being read."""

    __slots__ = ("items", "key", "key_span", "start")

    def __init__(self, items: dict[str, Node] | list[Node], start: int) -> None:
        self.items = items
        self.start = start
        self.key: Any = None
        self.key_span: Span | None = None


class _Reader:
    """Reads one document from the events, keeping every mistake."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.text = text
        self.found: list[Diagnostic] = []
        self.stack: list[_Frame] = []
        self.root: Node | None = None
        self.end = 0

    def document(self) -> Node | None:
        loader = CSafeLoader(self.text)
        try:
            self._events(loader.get_event)
        except YAMLError as error:
            self.found.append(explain(error, self.source))
        finally:
            loader.dispose()
        return self.root

    def _events(self, next_event: Any) -> None:
        num_nodes = num_documents = 0
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event, {} if kind is MappingStartEvent else [])
                if len(self.stack) > MOST_DEPTH:
                    self._stop(
                        "SQ004",
                        event,
                        f"values are nested more than {MOST_DEPTH} deep",
                        "no experiment needs that many levels",
                    )
                    return
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(event)
                continue
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                num_documents += 1
                if not self._document_start(event, num_documents):
                    return
                continue
            else:
                continue
            num_nodes += 1
            if num_nodes > MOST_NODES:
                self._stop("SQ005", event, f"the spec holds more than {MOST_NODES:,} keys and values",
                           "put lists of that size in files of their own")  # fmt: skip
                return

    def _scalar(self, event: Any) -> None:
        span = Span(self.source, event.start_mark.index, event.end_mark.index)
        text: str = event.value
        if event.tag is not None or event.anchor is not None:
            span = self._decorated(event, span)
        quoted = not event.implicit[0] or event.style != ""
        frame = self.stack[-1] if self.stack else None
        if frame is not None and type(frame.items) is dict and frame.key is None:
            self._key(frame, text, span, quoted)
            return
        if len(text) > MOST_SCALAR:
            self._note(
                "SQ006",
                span,
                f"a value is longer than {MOST_SCALAR // 1024} KiB",
                "put long texts in files of their own",
            )
            text = text[:1]
        self._add(text if quoted else self._plain(text, span), span)

    def _plain(self, text: str, span: Span) -> Scalar:
        try:
            return plain(text)
        except BadNumber as bad:
            fix = None
            if bad.replacement is not None and len(text) < 100:
                fix = Fix(f"write `{bad.replacement}`", (Edit(span, bad.replacement),), safe=False)
            self.found.append(Diagnostic(bad.code, bad.message, span, help=bad.help, fix=fix))
            return _DROPPED  # type: ignore[no-any-return]

    def _key(self, frame: _Frame, text: str, span: Span, quoted: bool) -> None:
        assert isinstance(frame.items, dict)
        frame.key, frame.key_span = text, span
        if text in frame.items:
            first = frame.items[text].key
            labels = (Label(first, "first given here"),) if first else ()
            self.found.append(Diagnostic("SQ010", f"the key `{shorten(text)}` is given twice", span, labels=labels,
                                         help="keep one of the two"))  # fmt: skip
            frame.key = _DROPPED
        elif text == "<<" and not quoted:
            self._note("SQ014", span, "merge keys (`<<`) are not part of the language",
                       "use `extends:` for settings that several specs share")  # fmt: skip
            frame.key = _DROPPED
        elif not quoted and (text == "" or not isinstance(_quiet(text), str)):
            said = f"the key `{shorten(text)}` is not text" if text else "a key is missing before `:`"
            self._note(
                "SQ011", span, said, f'write it in quotes: `"{shorten(text)}"`' if text else "write the key"
            )
            frame.key = _DROPPED
        elif len(text) > 1024:
            self._note("SQ006", span, "a key is longer than 1 KiB", "keys are the names of settings")
            frame.key = _DROPPED

    def _open(self, event: Any, items: dict[str, Node] | list[Node]) -> None:
        start = event.start_mark.index
        if event.tag is not None or event.anchor is not None:
            start = self._decorated(event, Span(self.source, start, event.end_mark.index)).end
        frame = self.stack[-1] if self.stack else None
        if frame is not None and type(frame.items) is dict and frame.key is None:
            self._note("SQ011", Span(self.source, start, start + 1), "a key must be text, not a list or a mapping",
                       "write the name of one setting")  # fmt: skip
            frame.key = _DROPPED
            self.stack.append(_Frame([], start))
            self.stack[-1].key = _DROPPED
            return
        self.stack.append(_Frame(items, start))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        end = event.end_mark.index
        if end > event.start_mark.index:
            self.end = end
        if type(frame.items) is list and frame.key is _DROPPED:
            return
        self._add(frame.items, Span(self.source, frame.start, max(self.end, frame.start)))

    def _add(self, value: Scalar | dict[str, Node] | list[Node], span: Span) -> None:
        self.end = span.end
        if not self.stack:
            self.root = Node(None if value is _DROPPED else value, span)
            return
        frame = self.stack[-1]
        if type(frame.items) is list:
            if frame.key is not _DROPPED and value is not _DROPPED:
                frame.items.append(Node(value, span))
            return
        if frame.key is not _DROPPED and value is not _DROPPED:
            frame.items[frame.key] = Node(value, span, key=frame.key_span)  # type: ignore[call-overload]
        frame.key = None

    def _alias(self, event: Any) -> None:
        span = Span(self.source, event.start_mark.index, event.end_mark.index)
        self._note("SQ013", span, f"`{shorten(span.text)}` is an alias, and the language has none",
                   "write `${path}` with the path of the value that is meant")  # fmt: skip
        frame = self.stack[-1] if self.stack else None
        if frame is not None and type(frame.items) is dict and frame.key is None:
            frame.key = _DROPPED
            return
        self._add(_DROPPED, span)

    def _decorated(self, event: Any, span: Span) -> Span:
        """Refuse a tag or an anchor; gives the span of the value behind it."""
        text = span.text
        if event.tag is not None or text.startswith("!"):
            end = span.start + len(text.split(maxsplit=1)[0]) if text.strip() else span.end
            self._note("SQ012", Span(self.source, span.start, end), f"`{shorten(self.source.text[span.start : end])}` is a tag, and the language has none",
                       "the schema decides the type; put text that starts with `!` in quotes")  # fmt: skip
        else:
            end = span.start + len(text.split(maxsplit=1)[0]) if text.strip() else span.end
            self._note("SQ013", Span(self.source, span.start, end), f"`{shorten(self.source.text[span.start : end])}` is an anchor, and the language has none",
                       "write `${path}` where the value is needed again; put text that starts with `&` in quotes")  # fmt: skip
        return span

    def _document_start(self, event: Any, number: int) -> bool:
        span = Span(self.source, event.start_mark.index, event.end_mark.index)
        if number > 1:
            self._note("SQ015", span, "a second document begins here", "keep one experiment a file")
            return False
        if event.tags or event.version not in (None, (1, 2)):
            self._note("SQ022", Span(self.source, span.start, span.start + 1), "directives other than `%YAML 1.2` are not part of the language",
                       "delete the line that starts with `%`")  # fmt: skip
        return True

    def _note(self, code: str, span: Span, message: str, help: str) -> None:
        self.found.append(Diagnostic(code, message, span, help=help))

    def _stop(self, code: str, event: Any, message: str, help: str) -> None:
        self._note(code, Span(self.source, event.start_mark.index, event.end_mark.index), message, help)


def _quiet(text: str) -> Scalar:
    try:
        return plain(text)
    except BadNumber:
        return 0

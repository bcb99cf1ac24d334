"""What libyaml complains of, in our own words, and the slips that hide behind it."""

from __future__ import annotations

import re

from yaml import YAMLError

from seqspec.compile.parse.yaml_mistakes import slip_behind
from seqspec.schema.diagnostic import Diagnostic, Label
from seqspec.schema.source import Source, Span

_ESCAPE = re.compile("escape|hexdecimal")
"""Complaints of a quoted text: nothing else that stands in it was read as YAML."""
_CLOSED_LATE = re.compile("did not find expected ','|end of stream|document indicator")
_SAID: tuple[tuple[str, str, str, str], ...] = (
    (
        "tab character that violates indentation",
        "SQ018",
        "a tab stands where only spaces may indent",
        "indent with spaces",
    ),
    (
        "'\\t' that cannot start any token",
        "SQ018",
        "a tab stands where only spaces may indent",
        "indent with spaces",
    ),
    (
        "mapping values are not allowed",
        "SQ001",
        "a `:` stands where no key can be",
        "put text that holds `: ` in quotes, or fix the indentation",
    ),
    (
        "mapping keys are not allowed",
        "SQ001",
        "a `?` stands where no key can be",
        "put text that starts with `? ` in quotes",
    ),
    (
        "block sequence entries are not allowed",
        "SQ001",
        "a `- ` stands where no list can be",
        "begin the list on a line of its own, below its key",
    ),
    (
        "could not find expected ':'",
        "SQ001",
        "a `:` is missing after a key",
        "write `key: value`, with a space after the colon",
    ),
    (
        "did not find expected ',' or '}'",
        "SQ001",
        "a `,` or `}` is missing in a mapping that began with `{`",
        "separate its entries with commas and close it with `}`",
    ),
    (
        "did not find expected ',' or ']'",
        "SQ001",
        "a `,` or `]` is missing in a list that began with `[`",
        "separate its entries with commas and close it with `]`",
    ),
    (
        "did not find expected key",
        "SQ001",
        "a key was expected here",
        "fix the indentation, and check quotes and brackets above",
    ),
    (
        "did not find expected '-' indicator",
        "SQ001",
        "a `- ` was expected here",
        "give all entries of the list the same indentation",
    ),
    (
        "did not find expected node content",
        "SQ001",
        "a value was expected here",
        "write the value, or take the comma away",
    ),
    (
        "found unexpected end of stream",
        "SQ001",
        "a quoted text is not closed",
        "close it with the quote that it began with",
    ),
    (
        "found unexpected document indicator",
        "SQ001",
        "a quoted text is not closed before `---` or `...`",
        "close it with the quote that it began with",
    ),
    (
        "found unknown escape character",
        "SQ001",
        "this escape is unknown in double quotes",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    (
        "hexdecimal number",
        "SQ001",
        "a `\\x`, `\\u` or `\\U` escape needs 2, 4 or 8 hexadecimal digits",
        "complete the escape, or use single quotes",
    ),
    (
        "invalid Unicode character escape",
        "SQ024",
        "this escape is half of a surrogate pair, not a character",
        "write the character itself, or its `\\U` escape with eight digits",
    ),
    (
        "undefined tag handle",
        "SQ012",
        "a tag stands here, and the language has none",
        "put text that starts with `!` in quotes",
    ),
    (
        "found character that cannot start any token",
        "SQ001",
        "no value can start with this character",
        "put the text in quotes",
    ),
    (
        "did not find expected <document start>",
        "SQ001",
        "the text goes on after its end",
        "keep one mapping a file, all its keys at the same indentation",
    ),
    (
        "incompatible YAML document",
        "SQ022",
        "directives other than `%YAML 1.2` are not part of the language",
        "delete the line that starts with `%`",
    ),
    ("%", "SQ022", "this directive is not part of the language", "delete the line that starts with `%`"),
    (
        "tag",
        "SQ012",
        "a tag stands here, and the language has none",
        "put text that starts with `!` in quotes",
    ),
    (
        "anchor",
        "SQ013",
        "an anchor or alias stands here, and the language has none",
        "put text that starts with `&` or `*` in quotes",
    ),
    (
        "alias",
        "SQ013",
        "an anchor or alias stands here, and the language has none",
        "put text that starts with `&` or `*` in quotes",
    ),
    (
        "scanning a simple key",
        "SQ001",
        "a `:` is missing after a key",
        "write `key: value`, with a space after the colon",
    ),
    (
        "scanning a block scalar",
        "SQ001",
        "this is no heading of a block of text",
        "after `|` or `>` only `+`, `-` or one digit may stand on the line",
    ),
    ("found a tab character", "SQ018", "a tab stands where only spaces may indent", "indent with spaces"),
)


def explain(error: YAMLError, source: Source) -> Diagnostic:
    """A diagnostic for what libyaml could not read."""
    problem = f"{getattr(error, 'problem', '') or ''}"
    context = f"{getattr(error, 'context', '') or ''}"
    began = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or began
    start = min(mark.index if mark else 0, len(source.text))
    slip = None if _ESCAPE.search(problem) else slip_behind(source, start, problem, began)
    if slip is not None:
        return slip
    code, message, help = _words(problem, context, source.text[start : start + 1])
    here = _visible(source, start)
    if began is None or began.index >= here.start or not _CLOSED_LATE.search(problem):
        return Diagnostic(code, message, here, help=help)
    opened = Span(source, began.index, began.index + 1)
    if opened.line == here.line and "end of stream" not in problem:
        return Diagnostic(code, message, here, labels=(Label(opened, "it began here"),), help=help)
    return Diagnostic(code, message, opened, labels=(Label(here, "not closed up to here"),), help=help)


def _words(problem: str, context: str, char: str) -> tuple[str, str, str]:
    if "cannot start any token" in problem and char == "\t":
        problem = "found a tab character"
    for words in (problem, context):
        for part, code, message, help in _SAID:
            if part in words:
                return code, message, help
    return "SQ001", "this is not YAML", "check quotes, brackets and indentation near here"


def _visible(source: Source, start: int) -> Span:
    """One character at ``start``, or the place behind the last one where the text ends there."""
    text = source.text
    if start >= len(text.rstrip()):
        start = len(text.rstrip())
    return Span(source, start, min(start + 1, len(text)))

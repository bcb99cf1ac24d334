"""What libyaml complains of, in our own words, and the slips that hide behind it."""

from __future__ import annotations

import re
from typing import Any

from yaml import YAMLError

from seqspec.compile.scalars import shorten
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix, Label
from seqspec.schema.source import Source, Span

_REFERENCE = re.compile(r"(?<![\"'\w])\$\{[\w.:/\[\]-]*\}")
_NO_COLON = re.compile(r"( *)([A-Za-z_][A-Za-z0-9_]*)[ ]+([^ :][^:]*)")
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
        "put text that holds `: ` in quotes, or mend the indentation",
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
        "mend the indentation, and check quotes and brackets above",
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


_FULL_WIDTH = dict(zip("：，｛｝［］＃＂＇　", ":,{}[]#\"' ", strict=True))
"""What a Japanese or Chinese keyboard gives in place of YAML's own characters."""


def explain(error: YAMLError, source: Source) -> Diagnostic:
    """A diagnostic for what libyaml could not read."""
    problem = f"{getattr(error, 'problem', '') or ''}"
    context = f"{getattr(error, 'context', '') or ''}"
    began = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or began
    start = min(mark.index if mark else 0, len(source.text))
    slip = (
        _bare_reference(source, start)
        or _full_width(source, start)
        or _missing_colon(source, start, problem, began)
    )
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


def _bare_reference(source: Source, start: int) -> Diagnostic | None:
    """``{dim: ${path}}``: within ``{ }`` YAML takes the braces of an unquoted ``${…}`` for its own."""
    begin = source.text.rfind("\n", 0, start) + 1
    for match in _REFERENCE.finditer(source.text, begin, start + 1000):
        if match.start() <= start <= match.end():
            span = Span(source, match.start(), match.end())
            fix = Fix("put it in quotes", (Edit(span, f'"{span.text}"'),), safe=True)
            said = "`${…}` within `{ }` or `[ ]` must stand in quotes"
            return Diagnostic("SQ001", said, span, help=f'write `"{span.text}"`', fix=fix)
    return None


def _full_width(source: Source, start: int) -> Diagnostic | None:
    """``key：value``: a full-width character where YAML needs the ASCII one, here or on the line above."""
    number = source.position(min(start, max(len(source.text) - 1, 0)))[0]
    for line in (number, number - 1):
        if line < 1:
            continue
        text = source.line(line).partition("#")[0]
        at = next((i for i, char in enumerate(text) if char in _FULL_WIDTH), None)
        if at is not None:
            begin = source.offset(line) + at
            char, ascii_ = text[at], _FULL_WIDTH[text[at]]
            span = Span(source, begin, begin + 1)
            fix = Fix(f"write `{ascii_}`", (Edit(span, ascii_ + " " * (char in "：，")),), safe=False)
            name = "an ideographic space" if char == "　" else f"a full-width `{char}`"
            said = f"{name} stands where YAML needs {'a space' if char == '　' else f'`{ascii_}`'}"
            return Diagnostic("SQ001", said, span, help="switch the keyboard to half-width letters", fix=fix)
    return None


def _missing_colon(source: Source, start: int, problem: str, began: Any) -> Diagnostic | None:
    """``max_steps 400`` and a proper line below it: YAML reads on, and complains of the line below."""
    if "could not find expected ':'" in problem and began is not None:
        number, indent = source.position(began.index)[0], None
    elif "mapping values are not allowed" in problem:
        number, indent = _line_above(source, source.position(start)[0])
    else:
        return None
    match = _NO_COLON.fullmatch(source.line(number).split(" #")[0].rstrip())
    if match is None or indent not in (None, len(match.group(1))):
        return None
    begin = source.offset(number) + match.start(2)
    end = begin + len(match.group(2))
    said = f"a `:` is missing after the key `{match.group(2)}`"
    help = f"write `{match.group(2)}: {shorten(match.group(3))}`"
    fix = Fix("put the `:` in", (Edit(Span(source, end, end), ":"),), safe=False)
    return Diagnostic("SQ001", said, Span(source, begin, end), help=help, fix=fix)


def _line_above(source: Source, number: int) -> tuple[int, int]:
    """The line with something on it above line ``number``, and the indentation of the latter."""
    here = source.line(number)
    above = number - 1
    while above > 1 and (not source.line(above).strip() or source.line(above).lstrip().startswith("#")):
        above -= 1
    return max(above, 1), len(here) - len(here.lstrip())


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

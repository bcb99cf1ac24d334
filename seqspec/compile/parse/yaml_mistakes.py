"""The slip behind a syntax error: what a person did, where libyaml can only say where it could not go on."""

from __future__ import annotations

import re
from typing import Any

from seqspec.compile.parse.placeholders import JINJA, UNSET, left_over
from seqspec.compile.parse.scalars import shorten
from seqspec.compile.parse.yaml_tags import instead_of_tag
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix
from seqspec.schema.source import Source, Span

_REFERENCE = re.compile(r"(?<![\"'\w])\$\{[\w.:/\[\]-]*\}")
_TEMPLATE = re.compile(rf"{JINJA.pattern}|(?<=[\s:]){UNSET}(?=\s*[,}}\]#]|\s*$)")
_TAG = re.compile(r"(?<![^\s:,\[{])![^\s,\[\]{}]*")
_NO_COLON = re.compile(r"( *)([A-Za-z_][A-Za-z0-9_]*)( +=?>? *|:(?! ))([^ :=][^:]*)")
_FULL_WIDTH = dict(zip("：，｛｝［］＃＂＇　", ":,{}[]#\"' ", strict=True))
"""What a Japanese or Chinese keyboard gives in place of YAML's own characters."""


def slip_behind(source: Source, start: int, problem: str, began: Any) -> Diagnostic | None:
    """The slip that explains why libyaml stopped at ``start``; ``began`` marks what it was reading."""
    return (
        _tag(source, start)
        or _template(source, start)
        or _bare_reference(source, start)
        or _full_width(source, start)
        or _quote_within(source, start, problem)
        or _closes_nothing(source, start, problem)
        or _value_not_indented(source, start)
        or _missing_colon(source, start, problem, began)
        or _indentation(source, start, problem)
    )


def _tag(source: Source, start: int) -> Diagnostic | None:
    """``{encoder: !new:LSTM}``: a tag that libyaml reads up to the bracket behind it."""
    number = source.position(min(start, max(len(source.text) - 1, 0)))[0]
    begin = source.offset(number)
    for match in _TAG.finditer(source.text, begin, begin + len(source.line(number))):
        if match.start() <= start <= match.end():
            span = Span(source, match.start(), match.end())
            said = f"`{shorten(span.text)}` is a tag, and the language has none"
            return Diagnostic("SQ012", said, span, help=instead_of_tag(span.text))
    return None


def _template(source: Source, start: int) -> Diagnostic | None:
    """``root: {{ data }}/wmt`` or ``{% if big %}``: the text of a template before it was filled in."""
    number = source.position(min(start, max(len(source.text) - 1, 0)))[0]
    for line in (number, number - 1):
        text = source.line(line) if line else ""
        mark = _TEMPLATE.search(text)
        quoted = mark is not None and text.count('"', 0, mark.start()) % 2 == 1
        help = left_over(mark.group()) if mark and not quoted else None
        if mark and help:
            begin = source.offset(line)
            span = Span(source, begin + mark.start(), begin + mark.end())
            said = f"`{shorten(mark.group())}` belongs to a template, and is no value"
            return Diagnostic("SQ001", said, span, help=help)
    return None


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
        text = source.line(line).partition("#")[0] if line else ""
        at = next((i for i, char in enumerate(text) if char in _FULL_WIDTH), None)
        if at is None:
            continue
        char, ascii_ = text[at], _FULL_WIDTH[text[at]]
        span = Span(source, source.offset(line) + at, source.offset(line) + at + 1)
        fix = Fix(f"write `{ascii_}`", (Edit(span, ascii_ + " " * (char in "：，")),), safe=False)
        name = "an ideographic space" if char == "　" else f"a full-width `{char}`"
        said = f"{name} stands where YAML needs {'a space' if char == '　' else f'`{ascii_}`'}"
        return Diagnostic("SQ001", said, span, help="switch the keyboard to half-width letters", fix=fix)
    return None


def _missing_colon(source: Source, start: int, problem: str, began: Any) -> Diagnostic | None:
    """``max_steps 400``, ``max_steps:400`` or ``max_steps = 400``, and a proper line below.

    YAML reads on, and complains of the line below.
    """
    if "could not find expected ':'" in problem and began is not None:
        number, indent = source.position(began.index)[0], None
    elif "mapping values are not allowed" in problem or "did not find expected key" in problem:
        number, indent = _line_above(source, source.position(start)[0])
    else:
        return None
    match = _NO_COLON.fullmatch(source.line(number).split(" #")[0].rstrip())
    if match is None or indent not in (None, len(match.group(1))):
        return None
    begin = source.offset(number)
    key, between, value = match.group(2), match.group(3), match.group(4)
    span = Span(source, begin + match.start(2), begin + match.end(2))
    gap = Span(source, begin + match.start(3), begin + match.end(3))
    missing = "a space is missing after the `:` of" if between == ":" else "a `:` is missing after the key"
    fix = Fix("write `: `", (Edit(gap, ": "),), safe=False)
    return Diagnostic("SQ001", f"{missing} `{key}`", span, help=f"write `{key}: {shorten(value)}`", fix=fix)


def _quote_within(source: Source, start: int, problem: str) -> Diagnostic | None:
    """``'it's'``: the text ends at the second quote."""
    quote, after = source.text[max(0, start - 1) : start], source.text[start : start + 1]
    if quote not in ("'", '"') or not after.isalnum() or "did not find expected" not in problem:
        return None
    span = Span(source, start - 1, start)
    help = (
        "write two of them, `''`, or use double quotes"
        if quote == "'"
        else 'write `\\"`, or use single quotes'
    )
    return Diagnostic("SQ001", f"the text ends at this `{quote}`, and goes on behind it", span, help=help)


def _closes_nothing(source: Source, start: int, problem: str) -> Diagnostic | None:
    """A ``}`` or ``]`` behind a value that is closed already."""
    char = source.text[start : start + 1]
    if char not in ("}", "]") or "did not find expected key" not in problem:
        return None
    span = Span(source, start, start + 1)
    fix = Fix("delete it", (Edit(span, ""),), safe=False)
    return Diagnostic("SQ001", f"this `{char}` closes nothing", span, help="delete it", fix=fix)


def _value_not_indented(source: Source, start: int) -> Diagnostic | None:
    """``max_steps:`` with its value on the line below, no deeper than the key."""
    number = source.position(min(start, max(len(source.text) - 1, 0)))[0]
    line = source.line(number)
    value = line.split(" #")[0].strip()
    above, depth = _line_above(source, number)
    key = re.fullmatch(r"( *)([\w-]+):", source.line(above).split(" #")[0].rstrip())
    if key is None or len(key.group(1)) < depth or not value or re.search(r":(?: |$)|^-(?: |$)", value):
        return None
    span = Span(source, source.offset(number) + depth, source.offset(number) + depth + len(value))
    said = f"the value of `{key.group(2)}` is indented no deeper than its key"
    return Diagnostic("SQ001", said, span, help=f"write `{key.group(2)}: {shorten(value)}` on one line")


def _line_above(source: Source, number: int) -> tuple[int, int]:
    """The line with something on it above line ``number``, and the indentation of the latter."""
    above = number - 1
    while above > 1 and _is_blank(source.line(above)):
        above -= 1
    return max(above, 1), _depth(source.line(number))


def _indentation(source: Source, start: int, problem: str) -> Diagnostic | None:
    """A line that is indented as none of the blocks that are open above it."""
    if "did not find expected key" not in problem and "mapping values are not allowed" not in problem:
        return None
    number = source.position(start)[0]
    here = _depth(source.line(number))
    levels: list[int] = []
    for above in range(number - 1, 0, -1):
        line = source.line(above)
        if not _is_blank(line) and (not levels or _depth(line) < levels[-1]):
            levels.append(_depth(line))
    if not levels or here in levels or not source.line(number)[here:].partition(" #")[0].strip():
        return None
    first = source.line(number)[here:]
    if ":" not in first or (
        here > levels[0] and source.line(_line_above(source, number)[0]).rstrip().endswith(":")
    ):
        return None
    wanted = " or ".join(str(level) for level in sorted(levels, key=lambda level: abs(level - here))[:2])
    begin = source.offset(number) + here
    said = f"this line is indented by {here}, as none of the blocks above it is"
    span = Span(source, begin, begin + len(first.partition(":")[0]))
    return Diagnostic("SQ001", said, span, help=f"indent it by {wanted}, as the lines that it belongs to")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")

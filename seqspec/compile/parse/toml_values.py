"""The values of TOML 1.0: strings, numbers, truth values; each with where it ends."""

from __future__ import annotations

import re
from typing import NamedTuple

from seqspec.compile.parse.scalars import BadNumber, plain, shorten
from seqspec.schema.source import POISON, Poison, Scalar

_BASIC = re.compile(r'[^"\\\n\x00-\x08\x0a-\x1f\x7f]*')
_MULTI = re.compile(r'[^"\\\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]*')
_BARE = re.compile(r"[^\s,#\[\]{}=\"']+")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}[^\s,#\]}]*)?"
    r"|[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
)
_UNDERSCORES = re.compile(r"(?<=[0-9a-fA-F])_(?=[0-9a-fA-F])")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+").fullmatch
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?").fullmatch
_SPECIAL = re.compile(r"[-+]?(?:inf|nan)").fullmatch
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?").fullmatch
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class BadToml(Exception):
    """Not TOML, from ``start`` on."""

    def __init__(
        self, message: str, start: int, end: int | None = None, *, help: str, code: str = "SQ001"
    ) -> None:
        self.message = message
        self.start = start
        self.end = start + 1 if end is None else end
        self.help = help
        self.code = code
        super().__init__(message)


class Value(NamedTuple):
    """A scalar, where it ends, and what is wrong with it where it was refused."""

    value: Scalar | Poison
    end: int
    refused: BadToml | None = None


def string(text: str, at: int) -> Value:
    """The string that begins at ``at`` with a quote of either kind."""
    quote = text[at]
    if text.startswith(quote * 3, at):
        return _multi_literal(text, at) if quote == "'" else _basic(text, at, multi=True)
    return _literal(text, at) if quote == "'" else _basic(text, at, multi=False)


def _literal(text: str, at: int) -> Value:
    line_end = text.find("\n", at)
    end = text.find("'", at + 1, line_end if line_end >= 0 else len(text))
    if end < 0:
        raise BadToml("a quoted text is not closed", at, help="close it with `'` on the same line")
    return Value(text[at + 1 : end], end + 1)


def _multi_literal(text: str, at: int) -> Value:
    end = text.find("'''", at + 3)
    if end < 0:
        raise BadToml("a quoted text is not closed", at, at + 3, help="close it with `'''`")
    while text.startswith("'", end + 3) and end + 3 - (text.find("'''", at + 3)) < 5:
        end += 1
    return Value(_first_newline(text[at + 3 : end]), end + 3)


def _first_newline(text: str) -> str:
    text = text.replace("\r\n", "\n")
    return text[1:] if text.startswith("\n") else text


def _basic(text: str, at: int, *, multi: bool) -> Value:
    pattern, close = (_MULTI, '"""') if multi else (_BASIC, '"')
    position = at + len(close)
    if multi:
        position += 2 if text.startswith("\r\n", position) else 1 if text.startswith("\n", position) else 0
    pieces: list[str] = []
    while True:
        match = pattern.match(text, position)
        assert match is not None
        pieces.append(match.group())
        position = match.end()
        if text.startswith(close, position):
            more = 0
            while multi and more < 2 and text.startswith('"', position + 3 + more):
                more += 1
            return Value("".join(pieces).replace("\r\n", "\n") + '"' * more, position + len(close) + more)
        if text.startswith("\\", position):
            piece, position = _escape(text, position, multi=multi)
            pieces.append(piece)
        elif multi and text.startswith('"', position):
            pieces.append('"')
            position += 1
        else:
            raise BadToml("a quoted text is not closed", at, at + len(close), help=f"close it with `{close}`")


def _escape(text: str, at: int, *, multi: bool) -> tuple[str, int]:
    char = text[at + 1 : at + 2]
    if char in _ESCAPES:
        return _ESCAPES[char], at + 2
    if char in ("u", "U") and char:
        return _code_point(text, at, 4 if char == "u" else 8)
    if multi and char in (" ", "\t", "\r", "\n") and char:
        blank = re.compile(r"[ \t]*\r?\n[ \t\r\n]*").match(text, at + 1)
        if blank:
            return "", blank.end()
    raise BadToml(
        "this escape is unknown", at, at + 2, help="write `\\\\` for a backslash, or use single quotes"
    )


def _code_point(text: str, at: int, digits: int) -> tuple[str, int]:
    end = at + 2 + digits
    written = text[at + 2 : end]
    if len(written) < digits or not re.fullmatch("[0-9a-fA-F]+", written):
        raise BadToml(
            f"this escape needs {digits} hexadecimal digits",
            at,
            at + 2,
            help="complete it, or use single quotes",
        )
    number = int(written, 16)
    if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        raise BadToml(
            "this escape is no character",
            at,
            end,
            code="SQ024",
            help="half of a surrogate pair stands for nothing; write the character itself",
        )
    return chr(number), end


def bare(text: str, at: int) -> Value:
    """A number or truth value; a date is refused, and so is what is none of these."""
    date = _DATE.match(text, at)
    if date:
        return Value(
            POISON,
            date.end(),
            BadToml(
                "dates and times are not part of the language",
                at,
                date.end(),
                help=f'write it as text: `"{date.group()}"`',
                code="SQ023",
            ),
        )
    match = _BARE.match(text, at)
    if match is None:
        raise BadToml("a value was expected here", at, help="write the value, on the same line")
    word, end = match.group(), match.end()
    if word in ("true", "false"):
        return Value(word == "true", end)
    try:
        return Value(_number(word), end)
    except BadNumber as bad:
        return Value(POISON, end, BadToml(bad.message, at, end, help=bad.help, code=bad.code))
    except ValueError:
        raise BadToml(
            f"`{shorten(word)}` is neither a number nor quoted text",
            at,
            end,
            help=_meant(word, text[at:]),
        ) from None


def _meant(word: str, rest: str) -> str:
    """What to write for a bare word."""
    if word.lower() in ("true", "yes", "on", "false", "no", "off"):
        return f"write `{'true' if word.lower() in ('true', 'yes', 'on') else 'false'}`"
    if word.lower() in ("none", "null", "nil"):
        return "TOML has no null; leave the key out"
    reference = re.match(r"\$\{[^}\n]*\}", rest)
    return f'text stands in quotes: `"{shorten(reference.group() if reference else word)}"`'


def _number(word: str) -> Scalar:
    digits = _UNDERSCORES.sub("", word)
    if _BASED(digits) and word[2:3] != "_":
        return plain(digits) if not digits.startswith("0b") else plain(str(int(digits[:500], 2)))
    if _DECIMAL(digits):
        return plain(digits)
    if _SPECIAL(digits):
        return float(digits)
    if _LEADING_ZERO(digits):
        return plain(digits)
    raise ValueError(word)

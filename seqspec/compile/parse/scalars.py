"""Scalars of the YAML 1.2 core schema (section 10.3.2), whatever the parser under us thinks of them.

Differences, all of them refusals: a number with leading zeros (``010`` was 8 in YAML 1.1), a whole number
beyond 64 bits, and a float beyond what a double can hold.
"""

from __future__ import annotations

import re
from functools import lru_cache

from seqspec.schema.source import Scalar

WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMERIC_START = frozenset("-+.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)").fullmatch
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?").fullmatch
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?").fullmatch
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+").fullmatch
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)").fullmatch

LONGEST_NUMBER = 400
"""Digits of the longest number that is looked at; the largest double has 309 before its point."""
_SHORT = 24


class BadNumber(ValueError):
    """A plain scalar that looks like a number and is none we take.  ``code`` is the diagnostic's."""

    def __init__(self, code: str, message: str, *, help: str, replacement: str | None = None) -> None:
        self.code = code
        self.message = message
        self.help = help
        self.replacement = replacement
        super().__init__(message)


def plain(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar.  Raises ``BadNumber``."""
    return _seen(text) if len(text) <= _SHORT else _plain(text)


@lru_cache(maxsize=2048)
def _seen(text: str) -> Scalar:
    """The same few numbers stand in every spec."""
    return _plain(text)


def _plain(text: str) -> Scalar:
    if text in WORDS:
        return WORDS[text]
    if text[0] not in _NUMERIC_START:
        return text
    if _INTEGER(text):
        return _integer(text, 10)
    if _FLOAT(text):
        return _float(text)
    if _LEADING_ZERO(text):
        without = re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", text) if len(text) <= LONGEST_NUMBER else "a number"
        raise BadNumber(
            "SQ020",
            f"`{shorten(text)}` has a leading zero, which some readers take for base 8",
            help=f'write `{without}` for the number, or `"{shorten(text)}"` for the text',
            replacement=without,
        )
    if _BASED(text):
        return _integer(text, 0)
    if _SPECIAL(text):
        return float(text.replace(".", "", 1))
    return text


def shorten(text: str, most: int = 40) -> str:
    """``text`` for a message: cut in the middle where it is longer than ``most``."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most // 3) :]}"


def _integer(text: str, base: int) -> int:
    if len(text) <= LONGEST_NUMBER:
        number = int(text, base)
        if -(2**63) <= number < 2**63:
            return number
    raise BadNumber(
        "SQ021",
        f"the whole number `{shorten(text)}` does not fit into 64 bits",
        help="the largest is 9223372036854775807; write it as a float, or in quotes if it is text",
    )


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise BadNumber(
            "SQ021",
            f"the number `{shorten(text)}` is beyond what a 64-bit float can hold",
            help="the largest is about 1.8e308; in quotes it would be text",
        )
    return number

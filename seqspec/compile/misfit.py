"""Help for a value that its field does not take: what the field takes, what stands there, and how to write what was meant."""

from __future__ import annotations

import re
from dataclasses import replace

from seqspec.compile.faults import Fault
from seqspec.compile.field_types import choices, describe, describe_type
from seqspec.compile.report import locate
from seqspec.compile.scalars import BadNumber, plain, shorten
from seqspec.compile.suggest import nearest
from seqspec.schema.diagnostic import Diagnostic, Edit, Finding, Fix
from seqspec.schema.source import Tree, dotted

_RANGE = {
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "multiple_of",
    "finite_number",
}
_LENGTH = {"too_short", "too_long", "string_too_short", "string_too_long"}
_OWN_WORDS = {"value_error", "assertion_error"}
_YES, _NO = ("yes", "on", "y"), ("no", "off", "n")


def explain_value(fault: Fault, tree: Tree) -> Diagnostic:
    """The diagnostic for a value that does not fit."""
    if fault.kind in _OWN_WORDS:
        words = str(fault.context.get("error", "it does not fit"))
        return locate(Finding(fault.path, words, code="SQ114"), tree)
    taken = expectation(fault)
    code = _code(fault)
    if fault.value is None:
        message, help = (
            f"`{fault.name}` has no value",
            f"it takes {taken}; or leave the key out" + _default(fault),
        )
        return locate(Finding(fault.path, message, code="SQ113", on_key=True, help=help), tree)
    message = f"`{fault.name}` takes {taken}, not {found(fault)}"
    diagnostic = locate(Finding(fault.path, message, code=code, help=_help(fault)), tree)
    fix = _fix(fault)
    if fix is None:
        return diagnostic
    return replace(diagnostic, fix=fix, help=diagnostic.help or fix.title)


def _code(fault: Fault) -> str:
    if fault.kind in _RANGE:
        return "SQ107"
    if fault.kind in _LENGTH:
        return "SQ109"
    if fault.kind == "string_pattern_mismatch":
        return "SQ110"
    if fault.path == ("seqspec",) and isinstance(fault.value, int):
        return "SQ115"
    if isinstance(fault.value, str) and _words(fault):
        return "SQ108"
    return "SQ106"


def expectation(fault: Fault) -> str:
    """What the place takes: ``a whole number, at least 1``."""
    if fault.kind.startswith("slot_") or (fault.field is None and fault.slot):
        slot = fault.slot or fault.context.get("slot")
        return f"{_article(f'{slot}')}: its name, or a mapping with `type`"
    if fault.field is None:
        return "a value of another kind"
    if fault.path and isinstance(fault.path[-1], int):
        return _sentence(_entry(fault))
    return _sentence(describe(fault.field))


def _entry(fault: Fault) -> str:
    """What an entry of a list takes."""
    assert fault.field is not None
    arguments = [fault.field.annotation]
    for argument in arguments:
        inner = getattr(argument, "__args__", ())
        if getattr(argument, "__origin__", None) is list:
            return describe_type(inner[0], [])
        arguments += inner
    return describe(fault.field)


def _sentence(words: str) -> str:
    """Articles before the things that have them."""
    words = words.replace(" or nothing", "")
    return re.sub(r"(^| or |of )(whole number|number|list of|mapping|\w+ component)", _with_article, words)


def _with_article(match: re.Match[str]) -> str:
    before, thing = match.groups()
    return f"{before}{thing}s" if before == "of " else f"{before}{_article(thing)}"


def _article(thing: str) -> str:
    return f"an {thing}" if thing[0] in "aeiou" else f"a {thing}"


def found(fault: Fault) -> str:
    """What stands there, in words."""
    value = fault.value
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if fault.kind in _LENGTH else "a list"
    written = fault.node.span.text if fault.node is not None else str(value)
    if isinstance(value, str):
        if fault.kind in _LENGTH:
            return f"text of {len(value)} characters"
        return (
            f"`{shorten(value)}`"
            if _words(fault)
            else f"the text `{shorten(value)}`"
            if value
            else "an empty text"
        )
    return f"`{shorten(written)}`"


def _words(fault: Fault) -> tuple[str, ...]:
    """The words that the field can choose from."""
    return (
        tuple(v for v in choices(fault.field.annotation) if isinstance(v, str))
        if fault.field is not None
        else ()
    )


def _default(fault: Fault) -> str:
    field = fault.field
    if field is None or field.is_required() or field.default_factory is not None or field.default is None:
        return ""
    return f", for {field.default}" if isinstance(field.default, str | int | float) else ""


def _help(fault: Fault) -> str | None:
    value, words = fault.value, _words(fault)
    if isinstance(value, str) and words:
        close = nearest(value, words)
        if close:
            return f"did you mean `{close}`?"
    if fault.path == ("seqspec",):
        return "write `seqspec: 1`, the version of the language"
    if isinstance(value, str) and _is_number_field(fault):
        return _number_help(value)
    if fault.kind == "finite_number":
        return "infinity and not-a-number decide nothing; leave the key out where there is no bound"
    if fault.kind == "string_pattern_mismatch" and fault.path == ("name",):
        return "use letters, digits, `_`, `-` and `.`, a letter or digit first, at most 100 of them"
    if isinstance(value, dict) and fault.slot is None:
        return f"write `{dotted(fault.path)}: …` with a single value"
    return _default(fault).removeprefix(", ").replace("for ", "left out, it is ") or None


def _is_number_field(fault: Fault) -> bool:
    return fault.kind in ("int_type", "float_type", "int_parsing", "float_parsing")


def _number_help(text: str) -> str | None:
    """How to write the number that a text was meant to be."""
    percent = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", text)
    if percent:
        return f"write it as a fraction: `{float(percent.group(1)) / 100:g}`"
    clock = re.fullmatch(r"([0-9]+):([0-5][0-9])(?::([0-5][0-9]))?", text)
    if clock:
        parts = [int(part) for part in clock.groups() if part is not None]
        total = sum(part * 60**power for power, part in enumerate(reversed(parts)))
        return f"clock times are text; write the number `{total}`"
    if re.fullmatch(r"[0-9]{1,3}(?:[_,][0-9]{3})+", text):
        return f"write the digits alone: `{re.sub('[_,]', '', text)}`"
    unit = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmMgG])", text)
    if unit:
        return f"write the number in full: `{float(unit.group(1)) * {'k': 1e3, 'm': 1e6, 'g': 1e9}[unit.group(2).lower()]:.0f}`"
    if re.fullmatch(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?\s*[A-Za-zµ]+", text):
        return "write the number alone; the schema knows its unit"
    if text.lower() in ("none", "null", "nil"):
        return "to set nothing, write `null` or leave the key out"
    return None


def _fix(fault: Fault) -> Fix | None:
    """The edit that writes what was meant, where there is one reading."""
    node = fault.node
    if node is None or node.via or not node.span.text or isinstance(node.value, dict):
        return None
    text = _replacement(fault)
    if text is not None:
        return Fix(f"write `{shorten(text)}`", (Edit(node.span, text),), safe=True)
    close = nearest(str(node.value), _words(fault)) if isinstance(node.value, str) else None
    if close:
        return Fix(f"write `{close}`", (Edit(node.span, close),), safe=False)
    return None


def _replacement(fault: Fault) -> str | None:
    """The same meaning, in the kind that the field takes."""
    assert fault.node is not None
    value, written = fault.value, fault.node.span.text
    match fault.kind:
        case "int_type" | "float_type":
            return _as_number(value, whole=fault.kind == "int_type")
        case "bool_type" if isinstance(value, str):
            lower = value.lower()
            return "true" if lower in (*_YES, "true") else "false" if lower in (*_NO, "false") else None
        case "string_type" | "literal_error" if isinstance(value, int | float) and not isinstance(
            value, bool
        ):
            return f'"{written}"' if fault.kind == "string_type" or written in _words(fault) else None
        case "list_type" if not isinstance(value, list) and "\n" not in written and "${" not in written:
            return f"[{written}]"
    return None


def _as_number(value: object, *, whole: bool) -> str | None:
    if isinstance(value, str) and len(value) < 100:
        digits = value.replace("_", "")
        try:
            number = plain(digits) if digits.isascii() else None
        except BadNumber:
            return None
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None
        if whole and isinstance(number, float):
            return _as_number(number, whole=True)
        return digits
    if whole and isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return None

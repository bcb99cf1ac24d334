"""Help for a value that its field does not take: what the field takes, what stands there, and how to write
what was meant.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from seqspec.compile.diagnostics.report import locate
from seqspec.compile.language.expected_schema import shapes
from seqspec.compile.language.field_types import choices, describe_type
from seqspec.compile.language.language_names import language_code
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.parse.placeholders import left_over
from seqspec.compile.parse.scalars import BadNumber, plain, shorten
from seqspec.compile.validate.expectation import entry_type, expectation, words_of
from seqspec.compile.validate.foreign_words import CHOICES
from seqspec.compile.validate.key_hints import known_keys, listed
from seqspec.compile.validate.number_hints import half_width, number_help
from seqspec.compile.validate.schema_errors import Fault
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, Edit, Finding, Fix
from seqspec.schema.source import COMMAND_LINE, Tree, dotted

_RANGE = {
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "multiple_of",
    "finite_number",
}
_LENGTH = {"too_short", "too_long", "string_too_short", "string_too_long"}
_SINGLE = {"int_type", "float_type", "bool_type", "string_type"}
_OWN_WORDS = {"value_error", "assertion_error"}
_YES, _NO = ("yes", "on", "y"), ("no", "off", "n")


def explain_value(fault: Fault, tree: Tree) -> Diagnostic:
    """The diagnostic for a value that does not fit."""
    if fault.kind in _OWN_WORDS:
        words = str(fault.context.get("error", "it does not fit"))
        return locate(Finding(fault.path, words, code="SQ114"), tree)
    if fault.value is None:
        message = f"`{fault.name}` has no value"
        help = f"it takes {expectation(fault)}{_or_nothing(fault)}"
        return locate(Finding(fault.path, message, code="SQ113", on_key=True, help=help), tree)
    fix = _fix(fault)
    remedy = _help(fault) or (fix.title if fix else None) or _default(fault, "its default is ") or None
    diagnostic = locate(Finding(fault.path, _message(fault), code=_code(fault), help=remedy), tree)
    return with_fix(diagnostic, fix)


def _or_nothing(fault: Fault) -> str:
    """The other way out for a place that holds nothing, where there is one."""
    if fault.path and isinstance(fault.path[-1], int):
        return "; or take the entry out of the list"
    if fault.owner is None:
        return "; or leave the key out"
    if fault.field is None or fault.field.is_required():
        return ", and must be there"
    return f"; or leave the key out{_default(fault, ', for ')}"


def with_fix(diagnostic: Diagnostic, fix: Fix | None) -> Diagnostic:
    """``diagnostic`` with its fix, where that changes a file."""
    if fix is None or any(edit.span.source.name.startswith("<") for edit in fix.edits):
        return diagnostic
    return diagnostic._replace(fix=fix)


def _message(fault: Fault) -> str:
    if fault.kind == "string_pattern_mismatch":
        return f"`{fault.name}` cannot be {found(fault)}"
    if fault.path == ("seqspec",):
        return f"this seqspec reads version 1 of the language, not {found(fault)}"
    return f"`{fault.name}` takes {expectation(fault)}, not {found(fault)}"


def _code(fault: Fault) -> str:
    if fault.kind in _RANGE:
        return "SQ107"
    if fault.kind in _LENGTH:
        return "SQ109"
    if fault.kind == "string_pattern_mismatch":
        return "SQ110"
    if fault.path == ("seqspec",) and isinstance(fault.value, int):
        return "SQ115"
    if isinstance(fault.value, str) and words_of(fault):
        return "SQ108"
    return "SQ106"


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
            if words_of(fault)
            else f"the text `{shorten(value)}`"
            if value
            else "an empty text"
        )
    return f"`{shorten(written)}`"


def _default(fault: Fault, words: str) -> str:
    """The default of the field after ``words``, where it has one that can be written on the line."""
    field = fault.field
    if field is None or field.is_required() or fault.path[-1:] != (fault.name,):
        return ""
    default = field.default
    if isinstance(default, bool):
        return f"{words}{str(default).lower()}"
    return f"{words}{default}" if isinstance(default, str | int | float) and default != "" else ""


def _help(fault: Fault) -> str | None:
    value, words = fault.value, words_of(fault)
    if isinstance(value, str) and (unfilled := left_over(value)):
        return unfilled
    if isinstance(value, str) and words:
        return _choice(value, words)
    if isinstance(value, int | float) and (share := _share(fault, value)):
        return share
    if isinstance(value, list) and fault.kind in _SINGLE and value and not (fault.node and fault.node.via):
        return _one_of_list(value, fault)
    if isinstance(value, dict) and fault.kind == "list_type":
        if fault.node is not None and fault.node.span.source.name == COMMAND_LINE:
            return f"name an entry by its number, `{dotted(fault.path)}[0]`, or set the whole list"
        return "begin each entry of a list with `- `, or write `[…]`"
    if fault.path == ("seqspec",):
        return "write `seqspec: 1`, or use the seqspec that the spec was written for"
    if isinstance(value, str) and _is_number_field(fault):
        half = _half_width(fault)
        if half is not None and not _is_taken(fault, half):
            return None
        return number_help(value, fault.name, whole=fault.kind == "int_type")
    if fault.kind == "string_type" and (text := _replacement(fault)) and not _is_taken(fault, text):
        return _form(fault)
    if fault.kind == "finite_number":
        return "infinity and not-a-number decide nothing; leave the key out where there is no bound"
    if fault.kind == "string_pattern_mismatch":
        return _form(fault)
    if isinstance(value, dict) and fault.slot is None:
        return f"write `{dotted(fault.path)}: …` with a single value"
    model = (
        shapes(fault.owner)[fault.name].model if fault.owner and fault.name in shapes(fault.owner) else None
    )
    return listed(model, known_keys(model)) if model is not None and not words else None


def _share(fault: Fault, value: float) -> str | None:
    """A share as a percentage, or a number of steps as a share."""
    if fault.kind.startswith("less_than") and fault.name.endswith("_seconds"):
        return f"it counts seconds: write `{value / 1000:g}` for {value:g} milliseconds"
    if fault.kind.startswith("less_than") and fault.context.get("lt", fault.context.get("le")) == 1:
        return f"it is a share of 1: write `{value / 100:g}` for {value:g} %" if 2 <= value <= 100 else None
    if value == 0 and "whole number, at least 1" in expectation(fault):
        return "it counts from 1"
    if fault.kind in ("int_type", "int_from_float") and fault.name.endswith("_steps") and 0 < value < 1:
        return f"it counts optimizer steps: write {value:g} of `train.max_steps` as a whole number"
    return None


def _choice(value: str, words: tuple[str, ...]) -> str | None:
    """The one of ``words`` that was meant."""
    close = nearest(value, words)
    if close:
        return f"did you mean `{close}`?"
    foreign = next((name for name in CHOICES.get(value.lower(), ()) if name in words), None)
    if foreign:
        return f"seqspec calls it `{foreign}`"
    if value.endswith((".model", ".spm", ".bpe")):
        return (
            f"a model that is trained already is a tokenizer `{{type: sentencepiece_file, model: {value}}}`"
        )
    language = language_code(value)
    return f"write `{language}`" if language in words else None


def _one_of_list(value: list[Any], fault: Fault) -> str:
    """A list where one value is taken."""
    text = value[0].span.text if len(value) == 1 else ""
    if text and "\n" not in text and not isinstance(value[0].value, list | dict):
        return f"write it without the brackets: `{shorten(text)}`"
    return f"write one value; to compare several, run the spec once for each: `--set {dotted(fault.path)}=…`"


def _form(fault: Fault) -> str:
    """How a text has to look, for a person where we know it and as a pattern where we do not."""
    if fault.path == ("name",):
        return "use letters, digits, `_`, `-` and `.`, a letter or digit first, at most 100 of them"
    if fault.name.endswith("language"):
        meant = language_code(str(fault.value))
        return f"write `{meant}`" if meant else "it takes a BCP 47 code, such as `ja`, `de` or `zh-Hant`"
    return f"it takes {expectation(fault)}"


def _is_number_field(fault: Fault) -> bool:
    return fault.kind in ("int_type", "float_type", "int_parsing", "float_parsing")


def _fix(fault: Fault) -> Fix | None:
    """The edit that writes what was meant, where there is one reading."""
    node = fault.node
    if node is None or node.via or not node.span.text or isinstance(node.value, dict):
        return None
    half = _half_width(fault)
    if half is not None and (half.startswith("[") or _is_taken(fault, half)):
        return Fix(f"write `{shorten(half)}` in half-width characters", (Edit(node.span, half),), safe=False)
    text = _replacement(fault)
    if text is not None and _is_taken(fault, text):
        return Fix(f"write `{shorten(text)}`", (Edit(node.span, text),), safe=True)
    close = nearest(str(node.value), words_of(fault)) if isinstance(node.value, str) else None
    if close:
        return Fix(f"write `{close}`", (Edit(node.span, close),), safe=False)
    if fault.path == ("name",) and isinstance(node.value, str):
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", node.value).strip("_.-")[:100]
        return (
            Fix(f"write `{name}`", (Edit(node.span, name),), safe=False)
            if name and not name.isdigit()
            else None
        )
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
        case "string_type" if type(value) is int and "whole number" in expectation(fault):
            return None  # a number is taken, and only this one is not
        case "string_type" | "literal_error" if isinstance(value, int | float) and not isinstance(
            value, bool
        ):
            return f'"{written}"' if fault.kind == "string_type" or written in words_of(fault) else None
        case "list_type" if _fits_entry(fault) and "\n" not in written and "${" not in written:
            return f"[{written}]"
    return None


def _half_width(fault: Fault) -> str | None:
    """``１００`` or ``［chrf］`` as the number or list that it was meant to be."""
    assert fault.node is not None
    half = half_width(fault.node.span.text)
    if not isinstance(fault.value, str) or half == fault.node.span.text:
        return None
    if fault.kind == "list_type":
        return half if half.startswith("[") and half.endswith("]") else None
    return _as_number(half, whole=fault.kind == "int_type") if _is_number_field(fault) else None


def _fits_entry(fault: Fault) -> bool:
    """Whether a value that stands in place of a list could be its one entry."""
    if isinstance(fault.value, list | dict):
        return False
    taken = describe_type(entry_type(fault), [])
    if "number" in taken:
        return isinstance(fault.value, int | float)
    words = choices(entry_type(fault))
    return fault.value in words if words else isinstance(fault.value, str)


def _is_taken(fault: Fault, text: str) -> bool:
    """Whether the place takes what ``text`` says."""
    if fault.field is None:
        return True
    if fault.kind == "list_type":
        value: object = [fault.value]
    else:
        value = plain(text) if not text.startswith('"') else text[1:-1]
    try:
        TypeAdapter(_taken(fault)).validate_python(value, strict=True, context=Catalogue())
    except ValidationError:
        return False
    return True


def _taken(fault: Fault) -> Any:
    """The annotation of the place, with its bounds."""
    assert fault.field is not None
    if isinstance(fault.path[-1], int):
        return entry_type(fault)
    annotation, bounds = fault.field.annotation, fault.field.metadata
    return Annotated[annotation, *bounds] if bounds else annotation


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

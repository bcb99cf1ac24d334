"""What a place of a spec takes, in words: ``a whole number, at least 1``, ``one of none, unit``."""

from __future__ import annotations

import re
from typing import Any, get_args, get_origin

from seqspec.compile.language.expected_schema import shapes
from seqspec.compile.language.field_types import choices, describe, describe_type
from seqspec.compile.validate.key_hints import quoted
from seqspec.compile.validate.schema_errors import Fault

_KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
}
"""What an entry of a mapping of names takes."""


def expectation(fault: Fault) -> str:
    """What the place takes: ``a whole number, at least 1``."""
    if fault.kind.startswith("slot_") or (fault.field is None and fault.slot):
        slot = fault.slot or fault.context.get("slot")
        return f"{_article(f'{slot}')}: its name, or a mapping with `type`"
    if fault.field is None:
        return _KINDS.get(fault.kind, "a value of another kind")
    if fault.path and isinstance(fault.path[-1], int):
        return _sentence(_entry(fault))
    return _sentence(describe(fault.field)) + _needed(fault)


def _needed(fault: Fault) -> str:
    """The keys that a section cannot do without."""
    shape = shapes(fault.owner).get(fault.name) if fault.owner is not None else None
    if shape is None or shape.model is None or shape.many or words_of(fault):
        return ""
    required = [name for name, field in shape.model.model_fields.items() if field.is_required()]
    return f" with {quoted(required)}" if required else ""


def _entry(fault: Fault) -> str:
    """What an entry of a list takes."""
    return describe_type(entry_type(fault), [])


def entry_type(fault: Fault) -> Any:
    """The annotation of a list's entries."""
    if fault.field is None:
        return Any
    arguments: list[Any] = [fault.field.annotation]
    for argument in arguments:
        inner: tuple[Any, ...] = get_args(argument)
        if get_origin(argument) in (list, tuple):
            return inner[0]
        arguments += inner
    return fault.field.annotation


def _sentence(words: str) -> str:
    """Articles before single things, plurals after "list of"."""
    words = re.sub(r" or nothing| like \^\S*", "", words)
    words = re.sub(r"(?<=list of )(whole number|number|\w+ component|mapping)", r"\1s", words)
    words = re.sub(r"(^| or )(whole number|number|list of|mapping|\w+ component)\b", _with_article, words)
    return words.replace("list of one of", "list with any of")


def _with_article(match: re.Match[str]) -> str:
    return match.group(1) + _article(match.group(2))


def _article(thing: str) -> str:
    return f"an {thing}" if thing[0] in "aeiou" else f"a {thing}"


def words_of(fault: Fault) -> tuple[str, ...]:
    """The words that the place can choose from."""
    if fault.field is None:
        return ()
    entry = bool(fault.path) and isinstance(fault.path[-1], int)
    annotation = entry_type(fault) if entry else fault.field.annotation
    return tuple(word for word in choices(annotation) if isinstance(word, str))

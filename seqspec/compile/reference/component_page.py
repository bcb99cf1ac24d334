"""``seqspec explain encoder.conformer``: one component's page, from the docstrings of its config."""

from __future__ import annotations

import textwrap
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from seqspec.compile.language.field_docs import field_docs, module_page, sentence, summary
from seqspec.compile.language.field_types import describe
from seqspec.compile.language.flow_style import flow
from seqspec.schema.catalogue import SLOTS, Catalogue
from seqspec.schema.config import is_mapping
from seqspec.schema.slot import find_marks
from seqspec.schema.units import Affects, InferredMark

WIDTH = 100


def component_page(catalogue: Catalogue, *, slot: str, name: str) -> str:
    """Page of one component: what it is, where it comes from, its fields.  Raises ``UnknownComponent``."""
    cls = catalogue.config(slot, name)
    lines = [f"{slot} `{name}`", "", module_page(cls), ""]
    fields = [field_lines(cls, field) for field in cls.model_fields]
    lines += ["\n".join(part) for part in fields] or ["It has no settings."]
    for field in cls.model_fields.values():
        for model in nested_models(field.annotation):
            lines += ["", f"{model.__name__}: {sentence(model.__doc__ or '')}", ""]
            lines += ["\n".join(field_lines(model, inner)) for inner in model.model_fields]
    return "\n".join(lines) + "\n"


def field_lines(cls: type[BaseModel], name: str) -> list[str]:
    """A field's name, values and default, and its sentence below them."""
    facts = f"  {name}: {field_summary(cls, name)}"
    body = textwrap.wrap(field_docs(cls)[name], WIDTH - 6, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return [facts, *body]


def field_summary(cls: type[BaseModel], name: str) -> str:
    """``whole number, at least 1; default 4``."""
    field = cls.model_fields[name]
    if is_inferred(field):
        return f"{describe(field).removesuffix(' or nothing')}; inferred"
    affects = next(find_marks(field.annotation, field.metadata, Affects), None)
    note = "" if affects is None else f"; {affects.what} only"
    return f"{describe(field)}; {default_text(field)}{note}"


def is_inferred(field: FieldInfo) -> bool:
    """Whether the compiler works the field out where it is left out."""
    return next(find_marks(field.annotation, field.metadata, InferredMark), None) is not None


def default_text(field: FieldInfo) -> str:
    """``required`` or ``default …``."""
    if field.default is PydanticUndefined and field.default_factory is None:
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "default: its own defaults"
    return f"default {flow(value)}"


def catalogue_text(catalogue: Catalogue, *, slot: str | None = None) -> str:
    """``seqspec list [SLOT]``: the components by slot, a line each."""
    blocks = []
    for each in SLOTS if slot is None else (slot,):
        rows = listing(catalogue, slot=each)
        width = max((len(name) for name, _ in rows), default=0)
        lines = [_row(name, line, width) for name, line in rows] or ["  (none)"]
        blocks.append("\n".join([each, *lines]))
    return "\n\n".join(blocks) + "\n"


def _row(name: str, line: str, width: int) -> str:
    return f"  {name:{width}}  {textwrap.shorten(line, max(40, WIDTH - width - 4), placeholder=' …')}"


def listing(catalogue: Catalogue, *, slot: str) -> list[tuple[str, str]]:
    """The slot's components with the first sentence of their files, none imported."""
    folders = [root / "schema" / slot for _, root in reversed(catalogue.roots)]
    files = {file.stem: file for folder in folders for file in folder.glob("*.py")}
    return [(name, summary(files[name])) for name in catalogue.names(slot)]


def nested_models(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Config classes that stand in an annotation as plain mappings, such as ``train.adaptive_clip``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,) if is_mapping(annotation) else ()
    return tuple(model for part in get_args(annotation) for model in nested_models(part))

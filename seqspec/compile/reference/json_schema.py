"""``seqspec schema``: the language as JSON Schema (draft 7), for editors and for tools that know no seqspec.

A component is chosen by ``if``/``then`` on its ``type``, so an editor completes the keys of the one that is
meant.  What must be there is said apart (``complete.…``), for a spec that extends another leaves out what its
base says.
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from seqspec.compile.language.field_docs import field_docs, module_page
from seqspec.compile.reference.component_page import field_summary, is_inferred, listing
from seqspec.schema.catalogue import SLOTS, Catalogue
from seqspec.schema.config import is_mapping, takes_component
from seqspec.schema.experiment import Experiment
from seqspec.schema.slot import Slot

JSON = dict[str, Any]
INTERPOLATION = {"$ref": "#/definitions/interpolation"}
_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}


def json_schema(catalogue: Catalogue) -> JSON:
    """The whole language as one document."""
    writer = _Writer()
    body = writer.model(Experiment, "experiment")
    for slot in SLOTS:
        writer.slot(slot, catalogue)
    writer.definitions |= {"shared": _shared(), "complete.shared": {}}
    writer.definitions["profile"] = {**body, "properties": {**body["properties"]}}
    body["properties"] |= _composition()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "seqspec experiment",
        "type": "object",
        "allOf": [
            {"$ref": "#/definitions/experiment"},
            {"if": {"not": {"anyOf": _PIECEWISE}}, "then": {"$ref": "#/definitions/complete.experiment"}},
        ],
        "definitions": writer.definitions,
    }


_PIECEWISE: list[JSON] = [{"required": ["extends"]}, {"required": ["tasks"]}]
"""Specs of which parts stand elsewhere: in a base, in each task, or under ``shared``."""


def _shared() -> JSON:
    """A part that tasks share: its slot is told by where it is used."""
    return {"description": "A component, of the slot in which it is used.", "type": ["string", "object"]}


def _composition() -> JSON:
    """The keys that are gone once a spec is resolved."""
    name = {"type": "string", "minLength": 1}
    return {
        "extends": {
            "description": "The spec, or the list of specs, that this one changes; paths start at this file.",
            "anyOf": [name, {"type": "array", "items": name, "minItems": 1}],
        },
        "profiles": {
            "description": "Named overlays, applied with `--profile NAME`.",
            "type": "object",
            "additionalProperties": {"$ref": "#/definitions/profile"},
        },
    }


class _Writer:
    """Collects definitions: one a config class, one a slot, and what each must have."""

    def __init__(self) -> None:
        pattern = r"\$\{[^}]+\}"
        self.definitions: JSON = {
            "interpolation": {
                "type": "string",
                "pattern": pattern,
                "description": "A value from elsewhere: `${path}`.",
            }
        }

    def slot(self, slot: str, catalogue: Catalogue) -> None:
        """A component of the slot: its bare name, or a mapping whose keys its type decides."""
        names = listing(catalogue, slot=slot)
        for name, _ in names:
            self.model(catalogue.config(slot, name), f"{slot}.{name}", type_name=name)
        known = {"enum": [name for name, _ in names], "markdownEnumDescriptions": [line for _, line in names]}
        word = {"anyOf": [known, INTERPOLATION]}
        self.definitions[slot] = {
            "description": f"A {slot}: its name, or a mapping with its `type` and its settings.",
            "type": ["string", "object"],
            "if": {"type": "string"},
            "then": word,
            "else": {
                "properties": {"type": word},
                **_all([_when(name, f"{slot}.{name}") for name, _ in names]),
            },
        }
        self.definitions[f"complete.{slot}"] = self._complete_slot(
            slot, catalogue, [name for name, _ in names]
        )

    def _complete_slot(self, slot: str, catalogue: Catalogue, names: list[str]) -> JSON:
        default = catalogue.default(slot)
        rules = [_when(name, f"complete.{slot}.{name}") for name in names]
        if default in names:
            both = [
                {"$ref": f"#/definitions/{slot}.{default}"},
                {"$ref": f"#/definitions/complete.{slot}.{default}"},
            ]
            rules.append({"if": {"not": {"required": ["type"]}}, "then": {"allOf": both}})
            return {"if": {"type": "object"}, "then": {"allOf": rules}}
        bare = [_bare(name, f"complete.{slot}.{name}", self.definitions) for name in names]
        told = {"required": ["type"], **_all(rules)}
        return {"if": {"type": "object"}, "then": told, "else": _all([rule for rule in bare if rule])}

    def model(self, cls: type[BaseModel], key: str, *, type_name: str | None = None) -> JSON:
        """Define ``cls`` under ``key`` and, beside it, what a complete one must have."""
        docs = field_docs(cls)
        body: JSON = {"type": "object", "description": module_page(cls) if type_name else cls.__doc__ or ""}
        self.definitions[key] = body
        body["properties"] = {"type": {"const": type_name}} if type_name else {}
        body["additionalProperties"] = False
        complete: JSON = {"properties": {}}
        for name, field in cls.model_fields.items():
            body["properties"][name] = self._field(cls, name, key, docs[name])
            needs = self._needs(field.annotation, list(field.metadata), key)
            if needs:
                complete["properties"][name] = needs
        required = [name for name, field in cls.model_fields.items() if field.is_required()]
        if required:
            complete["required"] = required
        self.definitions[f"complete.{key}"] = {"if": {"type": "object"}, "then": complete}
        return body

    def _field(self, cls: type[BaseModel], name: str, key: str, doc: str) -> JSON:
        field = cls.model_fields[name]
        schema = self._value(field.annotation, list(field.metadata), key)
        text = f"{doc}\n\n`{name}`: {field_summary(cls, name)}"
        schema = {"allOf": [schema]} if "$ref" in schema else schema
        schema = {**schema, "description": doc, "markdownDescription": text}
        if not field.is_required() and not is_inferred(field):
            default = field.get_default(call_default_factory=True)
            if not isinstance(default, BaseModel) and default is not None:
                schema["default"] = to_jsonable_python(default)
        return schema

    def _value(self, annotation: Any, marks: list[Any], key: str) -> JSON:
        """The values of one annotation, ``${…}`` among them."""
        plain = self._plain(annotation, marks, key)
        if _takes_text(plain):
            return plain
        parts = plain.get("anyOf", [plain])
        if any("enum" in part or part.get("type") == "string" for part in parts):
            return {"anyOf": [*parts, INTERPOLATION]}
        return {"if": {"type": "string"}, "then": INTERPOLATION, "else": plain}

    def _plain(self, annotation: Any, marks: list[Any], key: str) -> JSON:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._plain(arguments[0], [*marks, *arguments[1:]], key)
        if origin in (Union, types.UnionType):
            return {"anyOf": [self._plain(part, marks, key) for part in arguments]}
        slot = next((mark for mark in marks if isinstance(mark, Slot)), None)
        if annotation is types.NoneType:
            return {"type": "null"}
        if slot is not None and takes_component(annotation):
            return {"$ref": f"#/definitions/{slot.name}"}
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin is list:
            return {"type": "array", "items": self._value(arguments[0], [], key), **_limits(marks, "Items")}
        if origin is tuple:
            items = [self._value(part, [], key) for part in arguments if part is not ...]
            closed = {} if ... in arguments else {"minItems": len(items), "maxItems": len(items)}
            return {"type": "array", "items": items[0] if ... in arguments else items, **closed}
        if origin is dict:
            return {
                "type": "object",
                "additionalProperties": self._value(arguments[1], [], key),
                **_limits(marks, "Properties"),
            }
        return self._scalar(annotation, marks, key)

    def _scalar(self, annotation: Any, marks: list[Any], key: str) -> JSON:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return {"$ref": f"#/definitions/{self._nested(annotation, key)}"}
        names = {
            bool: "boolean",
            int: "integer",
            float: "number",
            str: "string",
            dict: "object",
            list: "array",
        }
        return {"type": names[annotation], **_limits(marks, "Length")} if annotation in names else {}

    def _nested(self, cls: type[BaseModel], key: str) -> str:
        name = f"{key}.{cls.__name__}" if key.partition(".")[0] in SLOTS else cls.__name__
        if name not in self.definitions:
            self.model(cls, name)
        return name

    def _needs(self, annotation: Any, marks: list[Any], key: str) -> JSON:
        """What a complete value of the annotation must have; empty where nothing."""
        slot = next((mark for mark in marks if isinstance(mark, Slot)), None)
        origin, arguments = get_origin(annotation), get_args(annotation)
        if slot is not None and takes_component(annotation):
            return {"$ref": f"#/definitions/complete.{slot.name}"}
        if origin is Annotated:
            return self._needs(arguments[0], [*marks, *arguments[1:]], key)
        if origin in (Union, types.UnionType):
            return next((needs for part in arguments if (needs := self._needs(part, marks, key))), {})
        if origin is list:
            needs = self._needs(arguments[0], [], key)
            return {"if": {"type": "array"}, "then": {"items": needs}} if needs else {}
        if origin is dict:
            needs = self._needs(arguments[1], [], key)
            return {"if": {"type": "object"}, "then": {"additionalProperties": needs}} if needs else {}
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and is_mapping(annotation):
            return {"$ref": f"#/definitions/complete.{self._nested(annotation, key)}"}
        return {}


def _takes_text(plain: JSON) -> bool:
    """Whether any text will do, ``${…}`` too; so it is where a component may be named."""
    named = plain.get("$ref", "").rpartition("/")[2] in SLOTS
    return (
        named
        or (plain.get("type") == "string" and "pattern" not in plain)
        or any(map(_takes_text, plain.get("anyOf", ())))
    )


def _all(rules: list[JSON]) -> JSON:
    """Every rule holds; a slot without components has none."""
    return {"allOf": rules} if rules else {}


def _when(name: str, key: str) -> JSON:
    return {
        "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
        "then": {"$ref": f"#/definitions/{key}"},
    }


def _bare(name: str, key: str, definitions: JSON) -> JSON:
    """A component that has keys it must have cannot be written as its bare name."""
    if definitions[key]["then"].get("required"):
        return {"not": {"const": name}}
    return {}


def _limits(marks: list[Any], counted: str) -> JSON:
    names = {**_BOUNDS, "min_length": f"min{counted}", "max_length": f"max{counted}"}
    found: JSON = {}
    for mark in marks:
        if isinstance(mark, FieldInfo):
            found |= _limits(list(mark.metadata), counted)
        else:
            values = {theirs: getattr(mark, ours, None) for ours, theirs in names.items()}
            found |= {name: value for name, value in values.items() if value is not None}
    return found


def modeline(path: str) -> str:
    """The first line of a spec that tells the YAML language server where the schema is."""
    return f"# yaml-language-server: $schema={path}"

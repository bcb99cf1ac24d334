"""The sentences under the fields of a config class, read from its file by ``ast`` when somebody asks.

Pydantic could collect them at import time, at a price that every ``validate`` would pay; here only pages,
hovers and the JSON Schema do.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

from pydantic import BaseModel


def field_docs(cls: type[BaseModel]) -> dict[str, str]:
    """Field name to its sentence, for the class and the config classes it extends."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            docs |= _class_docs(_file(base)).get(base.__name__, {})
    return {name: docs.get(name, "") for name in cls.model_fields}


def module_page(cls: type[BaseModel]) -> str:
    """The docstring of the file that holds the class: what it is, where it comes from."""
    return (sys.modules[cls.__module__].__doc__ or "").strip()


@cache
def summary(file: Path) -> str:
    """First paragraph of a file's docstring, on one line, without importing the file."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def sentence(text: str) -> str:
    """``text`` on one line."""
    return " ".join(text.split())


def _file(cls: type) -> Path:
    return Path(sys.modules[cls.__module__].__file__ or "")


@cache
def _class_docs(file: Path) -> dict[str, dict[str, str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name: _attribute_docs(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _attribute_docs(node: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        name = _declared(field)
        if (
            name is not None
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            docs[name] = sentence(below.value.value)
    return docs


def _declared(statement: ast.stmt) -> str | None:
    """The field that a statement declares: ``name: type``, or ``__annotations__["from"] = type`` for a word
    of Python.
    """
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))]):
            return name
    return None

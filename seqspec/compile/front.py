"""The first three stages as one: read, resolve, validate, with the mistakes of all three told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from seqspec.compile.parse import Language, parse, parse_text
from seqspec.compile.report import in_order
from seqspec.compile.resolve import Overlay, resolve
from seqspec.compile.validate import validate
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Source, Tree

T = TypeVar("T")


class Understood(NamedTuple):
    """What a spec says, and where."""

    tree: Tree
    experiment: Experiment


def understand(file: Path, overlays: Sequence[Overlay] = ()) -> Understood:
    """The experiment in a file.  Raises ``SpecError`` with the mistakes of every stage that could still go
    on.
    """
    return _understand(lambda: parse(file), overlays)


def understand_text(source: Source, language: Language, overlays: Sequence[Overlay] = ()) -> Understood:
    """The experiment in a text, as an editor holds it."""
    return _understand(lambda: parse_text(source, language=language), overlays)


def _understand(read: Callable[[], Tree], overlays: Sequence[Overlay]) -> Understood:
    found: list[Diagnostic] = []
    written = _survivor(read, found)
    tree = _survivor(lambda: resolve(written, overlays), found)
    try:
        experiment = validate(tree)
    except SpecError as error:
        raise SpecError(in_order([*found, *error.diagnostics]), tree=tree) from None
    if found:
        raise SpecError(in_order(found), tree=tree)
    return Understood(tree, experiment)


def _survivor(stage: Callable[[], Tree], found: list[Diagnostic]) -> Tree:
    """The tree that a stage gives, or what survived of it; raises where nothing did."""
    try:
        return stage()
    except SpecError as error:
        found += error.diagnostics
        if error.tree is None:
            raise SpecError(in_order(found)) from None
        return error.tree

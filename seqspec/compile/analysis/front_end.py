"""The first three stages as one: read, resolve, validate, with the mistakes of all three told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from seqspec.compile.diagnostics.report import in_order
from seqspec.compile.parse.parse import Language, parse, parse_text
from seqspec.compile.resolve.extends import Composed, compose
from seqspec.compile.resolve.plugins import catalogue_of
from seqspec.compile.resolve.resolve import Overlay, put_over
from seqspec.compile.validate.validate import validate
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Source, Tree


class Understood(NamedTuple):
    """What a spec says, and where."""

    tree: Tree
    experiment: Experiment


class Reading(NamedTuple):
    """A spec with what it extends, before any profile or value of the command line is put over it."""

    composed: Composed
    catalogue: Catalogue
    found: tuple[Diagnostic, ...]
    """What is wrong with the text itself."""


def read(file: Path) -> Reading:
    """Read a spec and its bases.  Raises ``SpecError`` where nothing of them can be read."""
    return _read(lambda: parse(file))


def read_text(source: Source, language: Language) -> Reading:
    """Like ``read``, for a text as an editor holds it."""
    return _read(lambda: parse_text(source, language=language))


def understand(file: Path, overlays: Sequence[Overlay] = (), *, as_written: bool = False) -> Understood:
    """The experiment in a file.  Raises ``SpecError`` with the mistakes of every stage that could still go
    on.

    ``as_written`` leaves the tasks in the order of the file, as a run has them.
    """
    return comprehend(read(file), overlays, as_written=as_written)


def understand_text(
    source: Source, language: Language, overlays: Sequence[Overlay] = (), *, as_written: bool = False
) -> Understood:
    """The experiment in a text."""
    return comprehend(read_text(source, language), overlays, as_written=as_written)


def comprehend(reading: Reading, overlays: Sequence[Overlay] = (), *, as_written: bool = False) -> Understood:
    """The experiment that a spec says under ``overlays``.  Raises ``SpecError`` like ``understand``."""
    found = list(reading.found)
    tree = _survivor(lambda: put_over(reading.composed, overlays, reading.catalogue), found)
    # The order of tasks decides initial weights and turns, and the order of keys must decide nothing.
    if not as_written and tree.at(("tasks",)) is not None:
        from seqspec.compile.resolve.tasks import tasks_by_name

        tree = tasks_by_name(tree)
    try:
        experiment = validate(tree)
    except SpecError as error:
        raise SpecError(in_order([*found, *error.diagnostics]), tree=tree) from None
    if found:
        raise SpecError(in_order(found), tree=tree)
    return Understood(tree, experiment)


def _read(parsed: Callable[[], Tree]) -> Reading:
    found: list[Diagnostic] = []
    written = _survivor(parsed, found)
    try:
        catalogue = catalogue_of(written)
        return Reading(compose(written, catalogue), catalogue, tuple(found))
    except SpecError as error:
        raise SpecError(in_order([*found, *error.diagnostics])) from None


def _survivor(stage: Callable[[], Tree], found: list[Diagnostic]) -> Tree:
    """The tree that a stage gives, or what survived of it; raises where nothing did."""
    try:
        return stage()
    except SpecError as error:
        found += error.diagnostics
        if error.tree is None:
            raise SpecError(in_order(found)) from None
        return error.tree

"""The compiler, a stage a file: parse, resolve, validate, infer, check, and, loading torch, build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seqspec.compile.analysis.analysis import analyze
from seqspec.compile.analysis.front_end import read
from seqspec.compile.analysis.vocabulary_files import checked_with_files
from seqspec.compile.check import check
from seqspec.compile.diagnostics.ignore import silenced
from seqspec.compile.infer.infer import infer
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validate.validate import validate
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import Tree


def compile(file: Path, *, overlays: Sequence[Overlay] = (), facts: dict[str, int] | None = None) -> Compiled:
    """Text to plan.  Raises ``SpecError`` with everything that is wrong; warnings come back beside the plan.

    ``facts`` are the numbers that only prepared data can tell, by the name of the unknown.
    """
    reading = read(file)
    tree, _, plan, found = analyze(reading, overlays, facts=facts)
    if tree is None or plan is None:
        raise SpecError(found, tree=tree)
    # A comment that silences nothing here may silence a warning under a profile that nobody looks at now.
    profiles = tuple(reading.composed.profiles)
    compiled = _compiled(plan, tree, found, idle=not profiles, profiles=profiles)
    return replace(compiled, origin=(file, tuple(overlays)))


def recompile(compiled: Compiled, *, facts: dict[str, int]) -> Compiled:
    """The same experiment with the numbers that its prepared data have told, checked again."""
    tree = compiled.tree
    experiment = validate(tree)
    plan, mistakes = infer(experiment, tree, facts=facts)
    mistakes = checked_with_files(plan, experiment, tree, mistakes=mistakes)
    return _compiled(plan, tree, (*mistakes, *check(plan, tree)), idle=False, profiles=compiled.profiles)


def _compiled(
    plan: Plan, tree: Tree, found: tuple[Diagnostic, ...], *, idle: bool, profiles: tuple[str, ...]
) -> Compiled:
    left = silenced(found, tree, idle=idle)
    if any(d.severity == "error" for d in left):
        raise SpecError(left)
    return Compiled(plan, tree, left, profiles)

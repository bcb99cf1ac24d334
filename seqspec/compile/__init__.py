"""The compiler, a stage a file: parse, resolve, validate, infer, check, and, loading torch, build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqspec.compile.check import check
from seqspec.compile.front import understand
from seqspec.compile.ignore import silenced
from seqspec.compile.infer import infer
from seqspec.compile.plan import Compiled
from seqspec.compile.report import locate
from seqspec.compile.resolve import Overlay
from seqspec.compile.survivors import later_mistakes
from seqspec.compile.validate import validate
from seqspec.compile.vocabulary_files import vocabulary_files
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Tree


def compile(file: Path, *, overlays: Sequence[Overlay] = (), facts: dict[str, int] | None = None) -> Compiled:
    """Text to plan.  Raises ``SpecError`` with everything that is wrong; warnings come back beside the plan.

    ``facts`` are the numbers that only prepared data can tell, by the name of the unknown.
    """
    try:
        tree, experiment = understand(file, overlays)
    except SpecError as error:
        raise SpecError((*error.diagnostics, *later_mistakes(error)), tree=error.tree) from None
    return _plan(tree, experiment, facts or {})


def recompile(compiled: Compiled, *, facts: dict[str, int]) -> Compiled:
    """The same experiment with the numbers that its prepared data have told, checked again."""
    return _plan(compiled.tree, validate(compiled.tree), facts)


def _plan(tree: Tree, experiment: Experiment, facts: dict[str, int]) -> Compiled:
    plan, mistakes = infer(experiment, tree, facts=facts)
    told = vocabulary_files(plan, known=facts)
    if told.facts or told.findings:
        _, mistakes = infer(experiment, tree, facts={**told.facts, **facts})
        mistakes = (*mistakes, *(locate(finding, tree) for finding in told.findings))
    found = silenced((*mistakes, *check(plan, tree)), tree)
    if any(d.severity == "error" for d in found):
        raise SpecError(found)
    return Compiled(plan, tree, found)

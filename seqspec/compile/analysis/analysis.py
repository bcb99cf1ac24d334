"""A spec looked at to its end: every stage before the build, and all that they have to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seqspec.compile.analysis.front_end import Reading, Understood, comprehend
from seqspec.compile.analysis.later_mistakes import later_mistakes
from seqspec.compile.analysis.vocabulary_files import checked_with_files
from seqspec.compile.check import check
from seqspec.compile.infer.infer import infer
from seqspec.compile.plan.plan import Plan
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import Tree


class AnalysisResult(NamedTuple):
    """What came of it."""

    tree: Tree | None
    """With bases, overlays and references; where the spec could not be understood, what survived of it."""
    understood: Understood | None
    plan: Plan | None
    found: tuple[Diagnostic, ...]
    """Every mistake and warning, those that comments silence among them."""

    @property
    def clean(self) -> bool:
        """Whether nothing but warnings was found."""
        return not any(d.severity == "error" for d in self.found)


def analyze(
    reading: Reading, overlays: Sequence[Overlay] = (), *, facts: Mapping[str, int] | None = None
) -> AnalysisResult:
    """Look at a spec under ``overlays``."""
    seen = analyze_schema(reading, overlays)
    if seen.understood is None:
        return seen._replace(found=(*seen.found, *later_mistakes(seen.found, seen.tree)))
    tree, experiment = seen.understood
    plan, mistakes = infer(experiment, tree, facts=facts or {})
    mistakes = checked_with_files(plan, experiment, tree, mistakes=mistakes)
    return seen._replace(plan=plan, found=(*mistakes, *check(plan, tree)))


def analyze_schema(reading: Reading, overlays: Sequence[Overlay] = ()) -> AnalysisResult:
    """Only what the stages up to ``validate`` have to say."""
    try:
        understood = comprehend(reading, overlays)
    except SpecError as error:
        return AnalysisResult(error.tree, None, None, error.diagnostics)
    return AnalysisResult(understood.tree, understood, None, ())

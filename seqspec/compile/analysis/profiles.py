"""The profiles of a spec, each put alone over it: what is wrong under one that is not wrong without.

Text and bases are read once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from seqspec.compile.analysis.analysis import AnalysisResult, analyze
from seqspec.compile.analysis.front_end import Reading
from seqspec.compile.diagnostics.ignore import silenced
from seqspec.compile.diagnostics.report import same_mistake
from seqspec.compile.parse.limits import MOST_TOLD
from seqspec.compile.resolve.extends import Layer
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.diagnostic import Diagnostic, Label
from seqspec.schema.source import COMMAND_LINE, Span


def analyze_profiles(
    reading: Reading, overlays: Sequence[Overlay] = (), *, analyze: Callable[..., AnalysisResult] = analyze
) -> dict[str, AnalysisResult]:
    """A look at the spec itself, under no name, and one under each of its profiles.

    Where ``overlays`` name a profile, a person asked for that one alone.
    """
    analyses = {"": analyze(reading, overlays)}
    if not any(overlay.kind == "profile" for overlay in overlays):
        for name in reading.composed.profiles:
            if sum(len(seen.found) for seen in analyses.values()) > MOST_TOLD:
                break
            analyses[name] = analyze(reading, (Overlay.profile(name), *overlays))
    return analyses


def everything_found(analyses: Mapping[str, AnalysisResult], reading: Reading) -> tuple[Diagnostic, ...]:
    """What is wrong with a spec, then what is wrong under its profiles alone, each mistake once.

    Comments silence warnings of either; none is idle that silences one under some profile.
    """
    found = (*analyses[""].found, *_under_profiles(analyses, reading))
    tree = next((seen.tree for seen in analyses.values() if seen.tree is not None), None)
    if tree is None:
        return found
    # Where some look did not come to its end, nobody knows which comments are idle.
    return silenced(found, tree, idle=all(seen.plan is not None for seen in analyses.values()))


def _under_profiles(analyses: Mapping[str, AnalysisResult], reading: Reading) -> Iterator[Diagnostic]:
    """What is found under profiles and not, as seriously, without one."""
    known: dict[tuple[object, ...], bool] = {}
    for d in analyses[""].found:
        known[same_mistake(d)] = known.get(same_mistake(d), False) or d.severity == "error"
    under: dict[tuple[object, ...], tuple[Diagnostic, list[str]]] = {}
    for name, seen in analyses.items():
        for d in seen.found if name else ():
            if _of_command_line(d):
                continue
            told = known.get(same_mistake(d))
            if told is None or (d.severity == "error" and not told):
                names = under.setdefault((same_mistake(d), d.message), (d, []))[1]
                names += [name] if name not in names else []
    for d, names in under.values():
        layers = reading.composed.profiles[names[0]]
        yield d._replace(profiles=tuple(names), labels=(*d.labels, *_cause(d, layers)))


def _of_command_line(d: Diagnostic) -> bool:
    """A value of the command line has its part in it: that is no matter of the profile alone."""
    spans = (d.span, *(label.span for label in d.labels))
    return any(span is not None and span.source.name == COMMAND_LINE for span in spans)


def _cause(d: Diagnostic, layers: Sequence[Layer]) -> Iterator[Label]:
    """The profile, where all that a mistake points to was written elsewhere."""
    shown = [d.span, *(label.span for label in d.labels)]
    if not any(_within(span, layer.over.span) for span in shown for layer in layers):
        key = layers[-1].over.key
        if key is not None and d.span is not None:
            yield Label(key, "this profile makes it so")


def _within(span: Span | None, whole: Span) -> bool:
    return span is not None and span.source is whole.source and whole.start <= span.start <= whole.end

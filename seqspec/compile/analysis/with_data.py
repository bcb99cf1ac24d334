"""``seqspec validate --with-data``: whether the corpora and dictionaries that a spec names are here,
and are what it says: layout, rows, counts, parallel lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from seqspec.compile.analysis.vocabulary_files import missing_vocabularies
from seqspec.compile.build.construct import Constructor
from seqspec.compile.diagnostics.report import locate, without_corpus
from seqspec.compile.plan.plan import Compiled
from seqspec.data.corpus.corpus_check import corpus_problems
from seqspec.schema.diagnostic import DataError, Diagnostic, Finding
from seqspec.schema.source import Path


def missing_data(compiled: Compiled) -> list[Diagnostic]:
    """What the experiment would look for and not find, or find to be other than the spec says."""
    return [d for one in compiled.each.values() for d in _missing(one)]


def _missing(compiled: Compiled) -> Iterator[Diagnostic]:
    constructor = Constructor(compiled.plan)
    found = [
        *_corpus(constructor, compiled.profiles),
        *_segmenters(constructor),
        *missing_vocabularies(compiled.plan),
    ]
    yield from (locate(finding, compiled.tree) for finding in found)


def _corpus(constructor: Constructor, profiles: Sequence[str]) -> Iterator[Finding]:
    experiment = constructor.plan.experiment
    adapter = constructor.build("data", "source")
    if getattr(experiment.data.source, "synthetic", 0):
        return
    splits = [s for s in dict.fromkeys(("train", *experiment.evaluate.splits)) if s in adapter.splits()]
    policy = experiment.data.on_error
    may_drop = 0.0 if isinstance(policy, str) else policy.drop
    for error in corpus_problems(adapter, splits, expect=experiment.data.expect, may_drop=may_drop):
        yield Finding(("data", "source"), str(error), help=without_corpus(error, profiles), code=error.code)


def _segmenters(constructor: Constructor) -> Iterator[Finding]:
    """A segmenter's fingerprint is taken over its library and dictionary, so both must be there."""
    for place, _ in constructor.plan.experiment.data.text.named():
        path = ("data", "text", *place, "segment")
        if constructor.has(*path):
            finding = _tried(constructor.build(*path).fingerprint, path)
            if finding is not None:
                yield finding


def _tried(analyze: Callable[[], object], at: Path) -> Finding | None:
    try:
        analyze()
    except DataError as error:
        return Finding(at, error.message, help=error.help, code=error.code)
    return None

"""What an editor's text says: its tree as written and as composed, its plan, and every mistake."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqspec.compile.analysis.front_end import read_text
from seqspec.compile.analysis.profiles import analyze_profiles, everything_found
from seqspec.compile.diagnostics.report import in_order
from seqspec.compile.parse.parse import Language, parse_text
from seqspec.compile.plan.plan import Plan
from seqspec.compile.resolve.plugins import catalogue_of
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import Source, Tree

_SPEC_NAME = r"""[\s"'[-]*[^\s"',\]]+\.(?:ya?ml|toml)\b"""
_KEY = re.compile(
    rf"""^[\ufeff{{]*[ ]?["']?seqspec["']?[ \t]*[:=]|^["']?extends["']?[ \t]*[:=]{_SPEC_NAME}""", re.MULTILINE
)
"""At the margin or behind a brace: what is further in belongs to others, such as a service of that name."""
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
"""Where the keys at the top of TOML end."""
_WORDS = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)
"""A line that is neither blank nor a comment; before the first one anything may still be meant."""

PARTIAL = frozenset({"SQ102", "SQ105"})
"""What a part of a spec, under ``base/``, may leave out: it stands in the spec that extends it."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One text, understood as far as it can be."""

    source: Source
    written: Tree | None
    """As it stands in this text, or in the last text that could be read."""
    resolved: Tree | None
    """With its bases, references filled in."""
    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def foreign(self) -> bool:
        """Whether the text is none of ours."""
        return self.written is None and not is_spec(self.source)

    @property
    def catalogue(self) -> Catalogue:
        """The components that the text can name."""
        tree = self.resolved or self.written
        return Catalogue() if tree is None else catalogue_of(tree)


def is_spec(source: Source) -> bool:
    """Whether a text is meant for seqspec, as its key ``seqspec`` or ``extends`` says; parts under ``base/``
    need none.

    Compose files, workflows and manifests are YAML too, and none of our business.
    """
    if "base" in Path(source.name).parts[:-1]:
        return True
    table = _TABLE.search(source.text) if language_of(source.name) == "toml" else None
    top = source.text[: table.start()] if table else source.text
    return _KEY.search(top) is not None or not _WORDS.search(source.text)


def language_of(name: str) -> Language:
    """TOML by its ending, else YAML."""
    return "toml" if name.endswith(".toml") else "yaml"


def analyse(source: Source, *, before: Analysis | None = None) -> Analysis:
    """Everything that can be said of ``source``; ``before`` lends its trees where the text cannot be read."""
    if not is_spec(source) and not (before and before.written):
        return Analysis(source, None, None, None, ())
    language = language_of(source.name)
    written = _written(source, language) or (before.written if before else None)
    survived = before.resolved if before else None
    try:
        reading = read_text(source, language)
        analyses = analyze_profiles(reading)
    except SpecError as error:
        return Analysis(source, written, survived, None, _relevant(source, error.diagnostics))
    base, found = analyses[""], in_order(everything_found(analyses, reading))
    return Analysis(source, written, base.tree or survived, base.plan, _relevant(source, found))


def _written(source: Source, language: Language) -> Tree | None:
    try:
        return parse_text(source, language=language)
    except SpecError as error:
        return error.tree


def _relevant(source: Source, diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    if "base" not in Path(source.name).parts[:-1]:
        return tuple(diagnostics)
    return tuple(d for d in diagnostics if d.code not in PARTIAL)

"""What vocabulary files that are on this machine tell: how many ids a tokenizer that reads one gives.

A plan is the same on every machine, so its numbers stay unknown until data are prepared; but whatever in the
spec contradicts a file that is here is a mistake that need not wait for that.  The experiment is therefore
inferred once more under the numbers of the files, for the mistakes that only they bring to light.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seqspec.compile.build.construct import Constructor
from seqspec.compile.diagnostics.report import locate
from seqspec.compile.infer.infer import infer
from seqspec.compile.plan.plan import Plan, PlanNode
from seqspec.schema.diagnostic import DataError, Diagnostic, Finding, SpecError
from seqspec.schema.environment import expand
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Tree, dotted

MOST_BYTES = 64 * 2**20
"""A larger file is left to the preparation."""


class Told(NamedTuple):
    """What the files say."""

    facts: dict[str, int]
    """Sizes by the name of the unknown."""
    findings: list[Finding]
    """Files that are no vocabularies."""


def checked_with_files(
    plan: Plan, experiment: Experiment, tree: Tree, *, mistakes: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """The ``mistakes`` of inference, told with the numbers of the files that are here, and those that only
    the files bring to light.
    """
    facts = dict(plan.facts)
    known: dict[str, int] = {}
    found: list[Diagnostic] = []
    for name, one in plan.each.items():
        told = vocabulary_files(one, known=dict(one.facts))
        known |= {f"tasks.{name}.{fact}" if name else fact: size for fact, size in told.facts.items()}
        found += [locate(finding, one.tree) for finding in told.findings]
    if known:
        _, mistakes = infer(experiment, tree, facts={**known, **facts})
    return (*mistakes, *found)


def vocabulary_files(plan: Plan, *, known: Mapping[str, int]) -> Told:
    """Sizes of the vocabularies that lie in files here and are not ``known`` yet."""
    told = Told({}, [])
    for node in _readers(plan):
        name = f"{dotted(node.path)}.vocab"
        constructor = Constructor(plan)
        field = _field(plan, node)
        size = _size(constructor.config(node.path), field)
        if name in known or size is None or size > MOST_BYTES:
            continue
        tokenizer = constructor.build(*node.path)
        try:
            tokenizer.train(())
        except DataError as error:
            told.findings.append(Finding((*node.path, field), str(error), help=error.help, code=error.code))
        else:
            told.facts[name] = tokenizer.vocab_size
    return told


def missing_vocabularies(plan: Plan) -> Iterator[Finding]:
    """Files that the tokenizers would look for and not find."""
    for node in _readers(plan):
        field = _field(plan, node)
        written = getattr(Constructor(plan).config(node.path), field)
        if _size(Constructor(plan).config(node.path), field) is None:
            message, help = f"there is no vocabulary file `{written}`", f"set `{field}` to its path"
            yield Finding((*node.path, field), message, help=help, code="SQ431")


def _readers(plan: Plan) -> Iterator[PlanNode]:
    return (node for node in plan.nodes if node.component[0] == "tokenizer" and _field(plan, node))


def _field(plan: Plan, node: PlanNode) -> str:
    """The key of a tokenizer of a file that holds the file's path; empty of one that learns."""
    return getattr(plan.config(node.path), "vocabulary_field", "")


def _size(config: Any, field: str) -> int | None:
    """Bytes of the file that a tokenizer reads; ``None`` where the path leads to none."""
    try:
        place = Path(expand(getattr(config, field))).expanduser()
        names = [getattr(config, name, "") for name in ("vocabulary_inside", "vocabulary_instead")]
        files = (place / name for name in dict.fromkeys(names))
        return next((file.stat().st_size for file in files if file.is_file()), None)
    except (OSError, ValueError, RuntimeError, SpecError):
        return None

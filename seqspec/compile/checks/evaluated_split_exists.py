"""A split that is evaluated and that the corpus does not have.

Example, in the spec of ``seqspec new mt``::

    evaluate: {splits: [dev, test_other]}

Use instead::

    data: {source: {splits: {test_other: wmt20}}}
    evaluate: {splits: [dev, test_other]}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import split_field
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path

CODE = "SQ213"


def check(plan: Plan) -> Iterator[Finding]:
    held = split_field(plan)
    source = plan.experiment.data.source
    if held is None:
        return
    field, parts = held
    cut = plan.experiment.data.split
    shares = getattr(source, "cut", None)
    names = set(shares if shares is not None else parts)
    names |= {name for name in ("dev", "test") if cut is not None and getattr(cut, name)}
    listed = ", ".join(f"`{name}`" for name in sorted(names))
    for at, name in _asked(plan):
        if name not in names:
            yield Finding(
                at,
                f"the corpus has no split `{name}`",
                help=f"it has {listed}; add it to `data.source.{field}`, or cut it by `data.split`",
            )


def _asked(plan: Plan) -> Iterator[tuple[Path, str]]:
    for index, split in enumerate(plan.experiment.evaluate.splits):
        yield ("evaluate", "splits", index), split
    for name in plan.experiment.data.expect:
        yield ("data", "expect", name), name

"""The same metric or split asked for twice.

Example, in the spec of ``seqspec new mt``::

    evaluate: {metrics: [chrf, chrf]}

Use instead::

    evaluate: {metrics: [chrf, {type: chrf, word_order: 2}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path, dotted

CODE = "SQ227"


def check(plan: Plan) -> Iterator[Finding]:
    evaluate = plan.experiment.evaluate
    yield from _twice(evaluate.metrics, ("evaluate", "metrics"))
    yield from _twice(evaluate.splits, ("evaluate", "splits"))
    for place, pipeline in plan.experiment.data.text.named():
        yield from _twice(pipeline.normalize, ("data", "text", *place, "normalize"))


def _twice(items: list[Any], path: Path) -> Iterator[Finding]:
    firsts: dict[str, int] = {}
    for index, item in enumerate(items):
        first = firsts.setdefault(repr(item), index)
        if first != index:
            yield Finding(
                (*path, index),
                f"`{dotted((*path, first))}` says the same",
                help="take one of the two out",
                also=(((*path, first), "first asked for here"),),
            )

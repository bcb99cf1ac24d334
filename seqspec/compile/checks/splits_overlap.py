"""One part of the corpus in two splits.

A model that is evaluated on what it was trained on looks better than it is.

Example, in the spec of ``seqspec new mt``::

    data: {source: {splits: {train: train, dev: train}}}

Use instead::

    data: {source: {splits: {train: train, dev: dev}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import split_field
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ212"


def check(plan: Plan) -> Iterator[Finding]:
    held = split_field(plan)
    if held is None or getattr(plan.experiment.data.source, "cut", None) is not None:
        return
    field, splits = held
    first: dict[str, str] = {}
    for split, parts in splits.items():
        for part in [parts] if isinstance(parts, str) else parts if isinstance(parts, list) else []:
            other = first.setdefault(str(part), split)
            if other != split:
                yield Finding(
                    ("data", "source", field, split),
                    f"`{part}` is part of `{split}` and of `{other}`",
                    help="give each split parts of its own, or cut one out of `train` by `data.split`",
                    also=((("data", "source", field, other), f"`{other}` has it here"),),
                )

"""Shares that leave nothing to train on, or that cut nothing.

Example, in the spec of ``seqspec new mt``::

    data: {split: {dev: 0.5, test: 0.5}}

Use instead, as that corpus has both splits, no cut at all::

    data: {split: null}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import split_field
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ223"


def check(plan: Plan) -> Iterator[Finding]:
    cut = plan.experiment.data.split
    if cut is None:
        return
    at = ("data", "split")
    if cut.dev + cut.test >= 1:
        yield Finding(at, f"`dev` and `test` take {cut.dev + cut.test:g} of `train`, and leave nothing",
                      help="together they stay below 1")  # fmt: skip
    elif cut.dev + cut.test == 0:
        yield Finding(at, "a cut with no share cuts nothing", help="set `dev` or `test`, or take `split` out")
    held = split_field(plan)
    for name in ("dev", "test"):
        if getattr(cut, name) and held is not None and name in held[1]:
            place = ("data", "source", held[0], name)
            yield Finding(
                (*at, name),
                f"`{name}` would be cut out of `train`, and the corpus has a `{name}` of its own",
                help=f"take `{name}` out of one of the two",
                also=((place, "this is it"),),
            )

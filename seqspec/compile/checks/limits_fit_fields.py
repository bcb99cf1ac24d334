"""A limit that cannot be: on a field that has no such length, or stated twice.

``min`` and ``max`` count the elements of a sequence, ``min_seconds`` and ``max_seconds`` measure audio.  The
short form ``max_source_tokens`` says the same as ``lengths: {source: {max: …}}``; one of the two is enough.

Example, in the spec of ``seqspec new mt``::

    data: {filter: {lengths: {source: {max_seconds: 10.0}}}}

Use instead::

    data: {filter: {lengths: {source: {min: 2}}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import SEQUENCES, Frames, Poison, Type, Waveform

CODE = "SQ471"


def check(plan: Plan) -> Iterator[Finding]:
    given = roles(plan)
    for role, limits in plan.experiment.data.filter.lengths.items():
        type_ = given.get(role)
        if type_ is None or isinstance(type_, Poison):
            continue
        for limit in type(limits).model_fields:
            if getattr(limits, limit) is not None:
                yield from _one(plan, role, limit, type_)


def _one(plan: Plan, role: str, limit: str, type_: Type) -> Iterator[Finding]:
    at = ("data", "filter", "lengths", role, limit)
    timed = isinstance(type_, Waveform) or (isinstance(type_, Frames) and bool(type_.rate))
    if limit.endswith("seconds") and not timed:
        yield Finding(
            at, f"`{limit}` measures sound, and `{role}` is {type_}", help="take it out", on_key=True
        )
    elif not isinstance(type_, SEQUENCES):
        yield Finding(
            at, f"`{limit}` limits a length, and `{role}` is {type_}", help="take it out", on_key=True
        )
    else:
        yield from _twice(plan, role, limit)


def _twice(plan: Plan, role: str, limit: str) -> Iterator[Finding]:
    short = limit if limit.endswith("seconds") else f"{limit}_{role}_tokens"
    if getattr(plan.experiment.data.filter, short, None) is not None and not short.endswith("seconds"):
        place = ("data", "filter", short)
        message = f"`{short}` limits the same length"
        yield Finding(
            ("data", "filter", "lengths", role, limit), message, help="take one of the two out", on_key=True,
            also=((place, "first given here"),),
        )  # fmt: skip

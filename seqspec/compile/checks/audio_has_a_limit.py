"""Sound without a longest length.

Memory grows with the longest example of a batch, and every corpus has one recording that was left running.
A spec with audio says what is too long; what is left out is counted and reported.

Example, in the spec of ``seqspec new asr``::

    data: {filter: {max_seconds: null}}

Use instead::

    data: {filter: {max_seconds: 20.0}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.sections.data import Limits
from seqspec.schema.types import Waveform

CODE = "SQ219"


def check(plan: Plan) -> Iterator[Finding]:
    given = {role for role, type_ in roles(plan).items() if isinstance(type_, Waveform)}
    limits = plan.experiment.data.filter
    open_ = [role for role in given if _is_open(limits.limits(role))]
    if open_ and len(open_) == len(given):
        yield Finding(
            ("data", "filter", "max_seconds"),
            "the corpus is sound, and the spec does not say what is too long",
            help="add `filter: {max_seconds: 20.0}` under `data`, or the length that your memory allows",
        )
        return
    for role in sorted(open_):
        yield Finding(
            ("data", "filter", "lengths"),
            f"`{role}` is sound, and the spec does not say what is too long",
            help=f"add `filter: {{lengths: {{{role}: {{max_seconds: 20.0}}}}}}` under `data`",
        )


def _is_open(limits: Limits) -> bool:
    return limits.max_seconds is None and limits.max is None

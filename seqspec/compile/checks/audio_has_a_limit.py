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

from seqspec.compile.checks._corpus import has_audio
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ219"


def check(plan: Plan) -> Iterator[Finding]:
    if has_audio(plan) and plan.experiment.data.filter.max_seconds is None:
        yield Finding(
            ("data", "filter", "max_seconds"),
            "the corpus is sound, and the spec does not say what is too long",
            help="add `filter: {max_seconds: 20.0}` under `data`, or the length that your memory allows",
        )

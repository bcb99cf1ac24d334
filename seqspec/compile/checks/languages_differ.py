"""A translation from a language into itself.

Most often one of the two codes was not changed after copying a spec.

Example, in the spec of ``seqspec new mt``::

    data: {source: {source_language: de, target_language: de}}

Use instead::

    data: {source: {source_language: en, target_language: de}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ229"


def check(plan: Plan) -> Iterator[Finding]:
    source = plan.experiment.data.source
    one, other = getattr(source, "source_language", None), getattr(source, "target_language", None)
    if one is not None and one == other:
        yield Finding(
            ("data", "source", "target_language"),
            f"source and target are both `{one}`",
            help="name the two languages of the corpus",
            severity="warning",
            also=((("data", "source", "source_language"), "the source is the same"),),
        )

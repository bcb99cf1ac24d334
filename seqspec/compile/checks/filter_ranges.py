"""A filter that no example passes: its least is above its most.

Example, in the spec of ``seqspec new mt``::

    data: {filter: {min_source_tokens: 200, max_source_tokens: 100}}

Use instead::

    data: {filter: {min_source_tokens: 1, max_source_tokens: 100}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ222"


def check(plan: Plan) -> Iterator[Finding]:
    limits = plan.experiment.data.filter
    for what in ("seconds", "source_tokens", "target_tokens"):
        least, most = getattr(limits, f"min_{what}"), getattr(limits, f"max_{what}")
        if least is not None and most is not None and least > most:
            yield Finding(
                ("data", "filter", f"min_{what}"),
                f"nothing is at least {least:g} and at most {most:g}",
                help="exchange the two",
                also=((("data", "filter", f"max_{what}"), f"at most {most:g}"),),
            )

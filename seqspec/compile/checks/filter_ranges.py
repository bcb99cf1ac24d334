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
from seqspec.schema.sections.data import Filter

CODE = "SQ222"


def check(plan: Plan) -> Iterator[Finding]:
    limits = plan.experiment.data.filter
    pairs = {(f"min_{what}",): (f"max_{what}",) for what in ("seconds", "source_tokens", "target_tokens")} | {
        ("lengths", role, f"min{unit}"): ("lengths", role, f"max{unit}")
        for role in limits.lengths
        for unit in ("", "_seconds")
    }
    for low, high in pairs.items():
        least, most = _at(limits, low), _at(limits, high)
        if least is not None and most is not None and least > most:
            yield Finding(
                ("data", "filter", *low),
                f"nothing is at least {least:g} and at most {most:g}",
                help="exchange the two",
                also=((("data", "filter", *high), f"at most {most:g}"),),
            )


def _at(limits: Filter, path: tuple[str, ...]) -> float | None:
    owner = limits.lengths[path[1]] if len(path) > 1 else limits
    found: float | None = getattr(owner, path[-1])
    return found

"""A normaliser whose work the next one undoes or repeats.

Example, in the spec of ``seqspec new mt``::

    data: {text: {source: {normalize: [uppercase, lowercase]}}}

Use instead::

    data: {text: {source: {normalize: [lowercase]}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ231"

_CASES = frozenset({"lowercase", "uppercase", "casefold"})
_COVERED = {("nfc", "nfkc")}


def check(plan: Plan) -> Iterator[Finding]:
    for role in ("source", "target", "shared"):
        pipeline = getattr(plan.experiment.data.text, role)
        names = [step.component[1] for step in pipeline.normalize] if pipeline is not None else []
        for index, name in enumerate(names):
            for later in range(index + 1, len(names)):
                pair = (name, names[later])
                if pair in _COVERED or (name != names[later] and set(pair) <= _CASES):
                    path = ("data", "text", role, "normalize")
                    yield Finding(
                        (*path, index),
                        f"what `{name}` does is done again by `{names[later]}`",
                        help=f"take `{name}` out",
                        severity="warning",
                        also=(((*path, later), "by this one"),),
                    )

"""A batch that is counted in something the corpus does not have.

``frames`` and ``seconds`` measure sound, ``tokens`` measures text; ``examples`` fits any corpus.

Example, in the spec of ``seqspec new mt``::

    data: {batch: {unit: seconds, size: 480}}

Use instead::

    data: {batch: {unit: tokens, size: 8192}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import has_audio, roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Text

CODE = "SQ234"


def check(plan: Plan) -> Iterator[Finding]:
    unit = plan.experiment.data.batch.unit
    at = ("data", "batch", "unit")
    if unit in ("frames", "seconds") and not has_audio(plan):
        given = " and ".join(dict.fromkeys(str(type_) for type_ in roles(plan).values()))
        yield Finding(
            at, f"`{unit}` measures sound, and the corpus gives {given}", help="count `tokens` or `examples`"
        )
    elif unit == "tokens" and roles(plan) and not any(isinstance(t, Text) for t in roles(plan).values()):
        yield Finding(at, "`tokens` measures text, and the corpus gives none", help="count `examples`")

"""A normaliser whose work the next one undoes or repeats.

Example, in the spec of ``seqspec new mt``::

    data: {text: {source: {normalize: [uppercase, lowercase]}}}

Use instead::

    data: {text: {source: {normalize: [lowercase]}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Finding

CODE = "SQ231"


def check(plan: Plan) -> Iterator[Finding]:
    for place, pipeline in plan.experiment.data.text.named():
        steps = pipeline.normalize
        for index, step in enumerate(steps):
            later = next((at for at in range(index + 1, len(steps)) if _covers(steps[at], step)), None)
            if later is not None:
                path = ("data", "text", *place, "normalize")
                yield Finding(
                    (*path, index),
                    f"what `{step.component[1]}` does is done again by `{steps[later].component[1]}`",
                    help=f"take `{step.component[1]}` out",
                    severity="warning",
                    also=(((*path, later), "by this one"),),
                )


def _covers(later: Config, step: Config) -> bool:
    """Whether a step leaves nothing of what an earlier one did: it folds case too, or composes more."""
    if later.component == step.component:
        return False
    if hasattr(step, "case_step"):
        return hasattr(later, "case_step")
    return 0 < getattr(step, "composes", 0) < getattr(later, "composes", 0)

"""Replicas that train apart in a run where they cannot.

What they learned after their last meeting would be lost, so the run ends with one (with `fragments` or
`overlap` all meet after the last step, whichever it is). Rules that drop an update by what gradients were
before, and noise on weights, would need a memory for each replica.

Example, in the spec of ``seqspec new mt``::

    procedure: {type: diloco, replicas: 4, every: 300}
    train: {max_steps: 40000}

Use instead::

    procedure: {type: diloco, replicas: 4, every: 500}
    train: {max_steps: 40000}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ388"
NEEDS_MEMORY = (
    "zero_above_norm", "adaptive_clip", "weight_noise", "skip_non_finite", "gradient_cosines", "quantize",
)  # fmt: skip


def check(plan: Plan) -> Iterator[Finding]:
    experiment = plan.experiment
    apart = getattr(experiment.procedure, "apart", lambda: None)()
    if apart is None:
        return
    train, last = experiment.train, experiment.train.max_steps
    if not apart.meets_at_end and not apart.meets(last):
        since = (last - apart.after) % apart.every
        yield Finding(
            ("procedure", "every"),
            f"the replicas do not meet after step {last:,}, the last one: {since:,} steps would be lost",
            help=f"train for {last - since:,} or {last - since + apart.every:,} steps",
            also=((("train", "max_steps"), "the run ends here"),),
        )
    for name in NEEDS_MEMORY:
        if getattr(train, name):
            yield Finding(
                ("train", name),
                f"`{name}` is for a model that is trained in one piece, and this one has replicas",
                help="take it out; `clip_norm` holds for each replica",
            )

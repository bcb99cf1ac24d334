"""Replicas that train apart in float16.

The scale of the loss follows the gradients of the model that it is for. Each replica would need one of its
own, and which replicas a process holds may change when a run is resumed.

Example, in the spec of ``seqspec new mt``::

    procedure: {type: diloco, replicas: 4, every: 500}
    train: {max_steps: 40000, precision: float16}

Use instead::

    procedure: {type: diloco, replicas: 4, every: 500}
    train: {max_steps: 40000, precision: bfloat16}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ409"


def check(plan: Plan) -> Iterator[Finding]:
    experiment = plan.experiment
    apart = getattr(experiment.procedure, "apart", lambda: None)()
    if apart is not None and experiment.train.precision == "float16":
        yield Finding(
            ("train", "precision"),
            "float16 is for a model that is trained in one piece, and this one has replicas",
            help="`bfloat16` needs no loss scale",
            also=((("procedure",), "replicas from here"),),
        )

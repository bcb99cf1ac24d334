"""A batch of examples that cannot be split evenly over its micro-batches.

``batch.size`` counts the examples of one optimiser step, and ``train.accumulate`` says into how many equal
micro-batches it is split; a remainder would make some micro-batches larger than others.

Example, in the spec of ``seqspec new mt``::

    data: {batch: {unit: examples, size: 10}}
    train: {accumulate: 4}

Use instead::

    data: {batch: {unit: examples, size: 12}}
    train: {accumulate: 4}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ218"


def check(plan: Plan) -> Iterator[Finding]:
    batch, micro_batches = plan.experiment.data.batch, plan.experiment.train.accumulate
    if batch.unit != "examples":
        return
    if batch.size != int(batch.size):
        yield Finding(
            ("data", "batch", "size"),
            f"a batch holds whole examples, not {batch.size:g}",
            help=f"take {int(batch.size) or 1} or {int(batch.size) + 1}",
        )
    elif batch.size % micro_batches:
        below = int(batch.size // micro_batches * micro_batches)
        nearest = f"{below} or {below + micro_batches}" if below else f"{micro_batches}"
        yield Finding(
            ("train", "accumulate"),
            f"{micro_batches} micro-batches do not divide a batch of {batch.size:g} examples",
            help=f"the nearest sizes are {nearest}",
            also=((("data", "batch", "size"), f"{batch.size:g} examples a step"),),
        )

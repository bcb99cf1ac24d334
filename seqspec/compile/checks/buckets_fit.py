"""Bucket bounds that cannot work.

Bounds rise, the last one holds the longest example, and ``sizes`` has one entry a bound.

Example, in the spec of ``seqspec new mt``::

    data: {batch: {unit: tokens, size: 8192, buckets: [16, 64, 32]}}

Use instead::

    data: {batch: {unit: tokens, size: 8192, buckets: [16, 32, 64, 128]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ221"


def check(plan: Plan) -> Iterator[Finding]:
    batch = plan.experiment.data.batch
    at = ("data", "batch", "buckets")
    if not isinstance(batch.buckets, list):
        if batch.sizes is not None:
            message = f"`sizes` gives examples a bucket, and `buckets: {batch.buckets}` has no bounds"
            help = "list the bounds under `buckets`"
            yield Finding(("data", "batch", "sizes"), message, help=help, also=((at, "no bounds"),))
        return
    if not batch.buckets:
        yield Finding(
            at, "a list of buckets has at least one bound", help="write `auto` to let lengths decide"
        )
        return
    for index, (low, high) in enumerate(zip(batch.buckets, batch.buckets[1:], strict=False)):
        if high <= low:
            yield Finding(
                (*at, index + 1), f"bounds rise, and {high} follows {low}", help="sort them, each once"
            )
            return
    if batch.sizes is not None and len(batch.sizes) != len(batch.buckets):
        yield Finding(
            ("data", "batch", "sizes"),
            f"{len(batch.sizes)} sizes for {len(batch.buckets)} buckets",
            help="give every bucket one size",
            also=((at, f"{len(batch.buckets)} bounds"),),
        )

"""A batch that is smaller than the longest example that passes the filter.

An example is never cut in two, so it could stand in no batch.

Example, in the spec of ``seqspec new mt``::

    data: {filter: {max_target_tokens: 512}, batch: {unit: tokens, size: 256}}

Use instead::

    data: {filter: {max_target_tokens: 128}, batch: {unit: tokens, size: 8192}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import frame_rates, roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path

CODE = "SQ220"


def check(plan: Plan) -> Iterator[Finding]:
    batch, micro_batches = plan.experiment.data.batch, plan.experiment.train.accumulate
    share = batch.size / micro_batches
    for at, longest in _longest(plan):
        if longest > share:
            of = f" over {micro_batches} micro-batches" if micro_batches > 1 else ""
            yield Finding(
                ("data", "batch", "size"),
                f"a batch of {batch.size:,g} {batch.unit}{of} cannot hold an example of {longest:,g}",
                help=f"take at least {longest * micro_batches:,g}, or leave out what is longer "
                f"than {share:,g}",
                also=((at, f"examples may be this long: {longest:,g} {batch.unit}"),),
            )
            return


def _longest(plan: Plan) -> Iterator[tuple[Path, float]]:
    """The longest example in the batch's unit, with the place that says so."""
    data = plan.experiment.data
    limits = data.filter
    if data.pack is not None and data.batch.unit == "tokens":
        yield ("data", "pack", "length"), data.pack.length
        return
    given = roles(plan)
    if data.batch.unit == "tokens":
        for role in (data.batch.field,) if data.batch.field is not None else given:
            if (most := limits.limits(role).max) is not None:
                yield ("data", "filter", *limits.place(role, "max")), most
    elif (field := data.batch.measured(given)) is not None:
        seconds, most = limits.limits(field).max_seconds, limits.limits(field).max
        at = ("data", "filter", *limits.place(field, "max_seconds"))
        if data.batch.unit == "seconds" and seconds is not None:
            yield at, seconds
        elif data.batch.unit == "frames" and seconds is not None:
            yield at, float(seconds * frame_rates(plan).get(field, 0))
        elif data.batch.unit == "frames" and most is not None:
            yield ("data", "filter", *limits.place(field, "max")), most

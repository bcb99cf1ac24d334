"""Lanes of rows that no memory goes along, or whose order something else would decide.

With `pack.sample: lanes` row after row of one stretch of text stands in the same place of the batches, so that a decoder which carries its memory (`transformer_xl`, `compressive`, `mamba2`; `recurrent`) goes on from the row before. Every layer that mixes positions must carry, a row must be whole segments, one text must run on from document to document, and the batches of one model must come one after another.

Example, in the spec of ``seqspec new lm``::

    data: {pack: {sample: lanes, length: 128, document_mask: false}, batch: {unit: tokens, size: 4096}}

Use instead::

    data: {pack: {sample: lanes, length: 128, document_mask: false}, batch: {unit: tokens, size: 4096}}
    model:
      decoder: {positions: none, self_attention: {type: transformer_xl, segment: 64, memory: 128}}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path

CODE = "SQ245"
AT = ("data", "pack", "sample")


def check(plan: Plan) -> Iterator[Finding]:
    data = plan.experiment.data
    if data.pack is None or data.lanes is None:
        return
    yield from _memory(plan)
    yield from _order(plan)


def _memory(plan: Plan) -> Iterator[Finding]:
    """What carries from row to row, and how long a row must be for it."""
    pack = plan.experiment.data.pack
    assert pack is not None
    decoder: Any = getattr(plan.experiment.model, "decoder", None)
    inner: Any = getattr(decoder, "self_attention", None)
    at: Path = ("model", "decoder")
    if getattr(decoder, "carries", False):
        return
    if not getattr(inner, "carries", False):
        help = (
            "give decoder `transformer` the `self_attention` `transformer_xl`, `compressive` or `mamba2`,"
            " or choose decoder `recurrent`"
        )
        message = "nothing in the model goes on from the row before, as lanes are for"
        yield Finding(AT, message, help=help, also=((at, "begins anew with each row"),))
        return
    at = (*at, "self_attention")
    if inner.full_every:
        message = f"full attention in every {inner.full_every}. layer begins anew with each row of a lane"
        yield Finding((*at, "full_every"), message, help="take it out, so that all layers carry a memory")
    segment = getattr(inner, "segment", 1)
    if pack.length % segment:
        message = f"a row of {pack.length} tokens is no whole number of segments of {segment}"
        below = pack.length - pack.length % segment
        help = f"use {below} or {below + segment}" if below else f"use {segment}"
        yield Finding(("data", "pack", "length"), message, help=help, also=(((*at, "segment"), "a segment"),))


def _order(plan: Plan) -> Iterator[Finding]:
    """What else would decide which row follows which."""
    experiment = plan.experiment
    pack, batch = experiment.data.pack, experiment.data.batch
    assert pack is not None
    if pack.stride is not None and pack.stride != pack.length:
        message = f"rows that begin every {pack.stride} tokens do not follow one another"
        yield Finding(("data", "pack", "stride"), message, help="take `stride` out")
    stated = {"shuffle": batch.shuffle, "buckets": batch.buckets not in ("auto", "none"),
              "sizes": batch.sizes is not None, "max_examples": batch.max_examples is not None}  # fmt: skip
    for field in ("shuffle", "buckets", "sizes", "max_examples"):
        if field in batch.model_fields_set and stated[field]:
            message = (
                f"`{field}` would change which rows a batch holds, and with lanes it is the next of each"
            )
            help = "take it out; `size` says how many lanes there are"
            yield Finding(("data", "batch", field), message, help=help, on_key=True)
    if experiment.procedure.updates(tuple(str(path[-1]) for path in plan.optimizers)) > 1:
        message = (
            f"`{experiment.procedure.component[1]}` takes several batches a step, each for another phase"
        )
        help = "use one that takes every batch in turn, such as `supervised`"
        yield Finding(
            ("procedure",), message, help=help, also=((AT, "each row goes on from the one before"),)
        )

"""Rows that skip tokens, or that a decoder cannot read.

``pack`` joins the tokens of many examples into rows of one length.  A stride above that length leaves
tokens out, a stride has no meaning where every row starts at a random place, and a decoder that carries a
state or a window along the row cannot keep its documents apart.

Example, in the spec of ``seqspec new lm``::

    data: {pack: {sample: rows, length: 128, stride: 256}}

Use instead::

    data: {pack: {sample: rows, length: 128, stride: 64}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import has_audio, roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Poison

CODE = "SQ230"


def check(plan: Plan) -> Iterator[Finding]:
    pack = plan.experiment.data.pack
    if pack is None:
        return
    at = ("data", "pack")
    given = roles(plan)
    if has_audio(plan):
        yield Finding(
            at, "only text can be packed, and the corpus is sound", help="take `pack` out", on_key=True
        )
    elif "source" in given and not isinstance(given["source"], Poison):
        message = f"only texts that stand alone can be packed, and the corpus has a source: {given['source']}"
        yield Finding(at, message, help="take `pack` out", on_key=True)
    model = plan.experiment.model
    if not getattr(model, "reads_packed", True):
        message = f"model `{model.component[1]}` reads texts one by one, and rows hold parts of several"
        yield Finding(at, message, help="take `pack` out", on_key=True)
        return
    decoder = getattr(model, "decoder", None)
    apart = getattr(decoder, "keeps_documents_apart", True)
    if isinstance(decoder, Config) and pack.document_mask and not apart:
        inner = getattr(decoder, "self_attention", None)
        at_fault = "" if inner is None else f" with `{inner.component[1]}`"
        yield Finding(
            (*at, "document_mask") if "document_mask" in pack.model_fields_set else at,
            f"decoder `{decoder.component[1]}`{at_fault} cannot keep the documents of a row apart",
            help="set `document_mask: false`: text then runs on as one stream; decoder `transformer` could"
            + (", with full attention or `sliding_window`" if at_fault else ""),
            on_key=True,
            also=((("model", "decoder"), "this decoder"),),
        )
    if pack.stride is not None and pack.sample == "offsets":
        yield Finding((*at, "stride"), "rows that start at random places have no stride",
                      help="take `stride` out, or set `sample: rows`")  # fmt: skip
    elif pack.stride is not None and pack.stride > pack.length:
        yield Finding(
            (*at, "stride"),
            f"rows of {pack.length} every {pack.stride} tokens leave out {pack.stride - pack.length} each",
            help=f"take at most {pack.length}",
            also=(((*at, "length"), "a row is this long"),),
        )

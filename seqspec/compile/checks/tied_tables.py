"""One table for two vocabularies that were learned apart.

With ``tie: all`` an id is the same row on both sides, so both sides must number their tokens alike. Two
tokenizers that are trained by themselves do not, even where they have equally many ids.

Example, in the spec of ``seqspec new mt``::

    model: {tie: all}

Use instead one vocabulary for both sides::

    data:
      text:
        source: null
        target: null
        shared: {normalize: [nfc], tokenizer: {type: sentencepiece, vocab_size: 8000}}
    model: {tie: all}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ251"


def check(plan: Plan) -> Iterator[Finding]:
    text, model = plan.experiment.data.text, plan.experiment.model
    if not any(node.path == ("model",) for node in plan.nodes):
        return  # inference has already said that the vocabularies differ in size
    if getattr(model, "tie", "none") == "all" and text.shared is None and text.source is not None:
        yield Finding(
            ("model", "tie"),
            "source and target have vocabularies of their own, and one table cannot serve both",
            help="train one for both as `data.text.shared`, or set `tie: target`",
            also=((("data", "text", "source"), "the source's vocabulary"),),
        )

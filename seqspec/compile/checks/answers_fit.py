"""Answers that are not learned alone, or not counted alone.

A corpus of conversations says which tokens are the assistant's. A model that learns every token, rows that
begin at random places (how many answers such a row holds is not known beforehand) and a tokenizer that puts
marks of its own around each piece do not go with that.

Example, in the spec of ``seqspec new lm``::

    data:
      source:
        type: chat
        language: ja
        template: {turns: {user: "U: {content}", assistant: "A: {content}"}}
      pack: {sample: offsets, length: 128}
    evaluate: {metrics: [perplexity]}

Use instead::

    data:
      source:
        type: chat
        language: ja
        template: {turns: {user: "U: {content}", assistant: "A: {content}"}}
      pack: {sample: rows, length: 128}
    evaluate: {metrics: [perplexity]}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import AnswerSpans, Logits

CODE = "SQ405"


def check(plan: Plan) -> Iterator[Finding]:
    kinds = roles(plan).values()
    found = next((kind for kind in kinds if isinstance(kind, AnswerSpans)), None)
    if found is None:
        return
    data = plan.experiment.data
    if data.pack is not None and data.pack.sample == "offsets":
        yield Finding(("data", "pack", "sample"), "how many answers a row from anywhere holds is not known",
                      help="set `sample: rows`")  # fmt: skip
    pipeline = data.text.pipeline(found.of)
    if pipeline is not None and getattr(pipeline.tokenizer, "template", False):
        at = ("data", "text", *data.text.place(found.of), "tokenizer", "template")
        yield Finding(at, "the tokenizer would put its marks around every piece of a conversation",
                      help="take it out: the marks stand in `data.source.template`")  # fmt: skip
    main = next(iter(plan.outputs.values()), None)
    if isinstance(main, Logits) and not main.counted:
        kind = plan.experiment.model.component[1]
        yield Finding(("model",), f"model `{kind}` learns every token, and the corpus says which are answers",
                      help="use model `language_model`, or an adapter of plain text")  # fmt: skip

"""A metric that counts words in a language that writes none apart.

Japanese, Chinese and Thai put no spaces between words, so BLEU with the tokenisation of Western text, or a
word error rate without a segmenter, takes a whole sentence for one word.  The number that comes out means
nothing.

Example, in the spec of ``seqspec new mt``::

    data: {source: {source_language: en, target_language: ja}, text: {target: {segment: null}}}
    evaluate: {metrics: [{type: bleu, tokenize: 13a}]}

Use instead::

    data: {source: {source_language: en, target_language: ja}, text: {target: {segment: null}}}
    evaluate: {metrics: [{type: bleu, tokenize: ja-mecab}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Text

CODE = "SQ210"


def check(plan: Plan) -> Iterator[Finding]:
    target = roles(plan).get("target")
    if not isinstance(target, Text):
        return
    for index, metric in enumerate(plan.experiment.evaluate.metrics):
        refuses = getattr(metric, "refuses", None)
        refusal = refuses(target.language) if refuses else None
        if refusal:
            at = ("evaluate", "metrics", index)
            yield Finding(
                (*at, "tokenize") if hasattr(metric, "tokenize") else at, refusal[0], help=refusal[1]
            )

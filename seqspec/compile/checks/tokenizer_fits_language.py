"""A tokenizer that knows none of the letters of the language.

Lingvo's graphemes are ASCII, so every character of a Japanese, Russian or Arabic text would become the
unknown one.

Example, in the spec of ``seqspec new mt``::

    data:
      source: {source_language: en, target_language: ja}
      text: {target: {segment: null, tokenizer: lingvo_graphemes}}
    evaluate: {metrics: [chrf]}

Use instead::

    data:
      source: {source_language: en, target_language: ja}
      text: {target: {segment: null, tokenizer: characters}}
    evaluate: {metrics: [chrf]}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import pipelines
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.languages import UNSPACED, primary

CODE = "SQ228"

_NOT_LATIN = UNSPACED | {
    "ko",
    "ru",
    "uk",
    "bg",
    "sr",
    "el",
    "ar",
    "fa",
    "ur",
    "he",
    "hi",
    "bn",
    "ta",
    "te",
    "ka",
    "hy",
    "am",
}


def check(plan: Plan) -> Iterator[Finding]:
    for path, pipeline, language in pipelines(plan):
        ascii_only = getattr(pipeline.tokenizer, "ascii_only", False)
        if ascii_only and primary(language) in _NOT_LATIN:
            yield Finding(
                (*path, "tokenizer"),
                f"`{pipeline.tokenizer.component[1]}` has ASCII only, and text in `{language}` has next to "
                "none",
                help="take `characters`, `bytes` or `sentencepiece`",
            )

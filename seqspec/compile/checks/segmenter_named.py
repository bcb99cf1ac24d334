"""Text without spaces whose segmenter was neither named nor declined.

Where the words of a Japanese, Chinese or Thai text begin and end is decided by a segmenter and its
dictionary, and results under different ones cannot be compared.  So the spec names one, or says ``segment:
null`` and leaves raw text to the tokenizer.  A tokenizer of characters or bytes needs no words; one of
words cannot do without.

Example, in the spec of ``seqspec new mt``::

    data:
      source: {source_language: ja, target_language: en}
      text: {source: {tokenizer: {type: sentencepiece, vocab_size: 8000}}}

Use instead::

    data:
      source: {source_language: ja, target_language: en}
      text: {source: {segment: null, tokenizer: {type: sentencepiece, vocab_size: 8000}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import pipelines
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.languages import UNSPACED, primary

CODE = "SQ211"


def check(plan: Plan) -> Iterator[Finding]:
    named = "name one, such as `segment: {type: mecab, dictionary: unidic-lite}`"
    for path, pipeline, language in pipelines(plan):
        kind = pipeline.tokenizer.component[1]
        if primary(language) not in UNSPACED or pipeline.segment is not None:
            continue
        by_word = getattr(pipeline.tokenizer, "by_word", False)
        if by_word or getattr(pipeline.tokenizer, "unit", None) == "words":
            message = (
                f"a tokenizer of `{kind}` finds no words in `{language}`, which puts no spaces between them"
            )
            yield Finding(
                (*path, "tokenizer"), message, help=f"{named}, or take `sentencepiece` or `characters`"
            )
        elif getattr(pipeline.tokenizer, "by_piece", False) and "segment" not in pipeline.model_fields_set:
            message = f"text in `{language}` has no spaces, and the spec does not say what cuts it into words"
            yield Finding(path, message, help=f"{named}, or write `segment: null` for raw text", on_key=True)

"""Error rates between a model that writes in one case and references in another.

A metric compares what the model wrote with the raw reference.  Where the target's steps take case away, every
word with a capital counts as wrong, unless the metric takes case away as well: a recogniser that makes no
mistake then has a word error rate near 100 %.

Example, in the spec of ``seqspec new asr``::

    data: {text: {target: {normalize: [lowercase]}}}
    evaluate: {metrics: [wer]}

Use instead::

    data: {text: {target: {normalize: [lowercase]}}}
    evaluate: {metrics: [{type: wer, normalize: [lowercase]}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan import Plan
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Finding

CODE = "SQ239"

CASE = ("casefold", "lowercase", "uppercase")
"""Normalisers after which case is gone."""


def check(plan: Plan) -> Iterator[Finding]:
    text = plan.experiment.data.text
    target = text.target or text.shared
    if target is None:
        return
    names = [step.component[1] for step in (*target.normalize, target.tokenizer)]
    taker = next((name for name in names if name in (*CASE, "lingvo_graphemes")), None)
    if taker is None:
        return
    for index, metric in enumerate(plan.experiment.evaluate.metrics):
        if metric.component[1] in ("wer", "cer") and not _folds(metric):
            how = taker if taker in CASE else "lowercase"
            name = metric.component[1]
            yield Finding(
                ("evaluate", "metrics", index),
                f"`{name}` sees the references' capitals, which `{taker}` takes from what the model learns",
                help=f"fold both: `{{type: {name}, normalize: [{how}]}}`",
                severity="warning",
            )


def _folds(metric: Config) -> bool:
    return any(step.component[1] in CASE for step in metric.normalize)  # type: ignore[attr-defined]

"""Metrics between a model that writes in one case and references in another.

A metric compares what the model wrote with the raw reference.  Where the target's steps take case away, every
word with a capital counts as wrong, unless the metric takes case away as well: a recogniser that makes no
mistake then has a word error rate near 100 %, and a translator loses the BLEU of every noun of German.

Example, in the spec of ``seqspec new asr``::

    data: {text: {target: {normalize: [lowercase]}}}
    evaluate: {metrics: [wer]}

Use instead::

    data: {text: {target: {normalize: [lowercase]}}}
    evaluate: {metrics: [{type: wer, normalize: [lowercase]}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Finding
from seqspec.schema.languages import UNSPACED, primary
from seqspec.schema.types import Text

CODE = "SQ239"

CASELESS = UNSPACED | {"ko", "ar", "fa", "he", "hi", "ka", "ta", "ur"}
"""Languages without capitals: what they borrow is not worth a warning where whole texts are compared."""


def check(plan: Plan) -> Iterator[Finding]:
    text = plan.experiment.data.text
    target = text.target or text.shared
    if target is None:
        return
    steps = (*target.normalize, target.tokenizer)
    step = next((step for step in steps if hasattr(step, "case_step")), None)
    if step is None:
        return
    taker, how = step.component[1], str(step.case_step)
    for index, metric in enumerate(plan.experiment.evaluate.metrics):
        name = metric.component[1]
        remedy = _remedy(metric, how, caseless=_caseless(plan))
        if remedy is not None:
            yield Finding(
                ("evaluate", "metrics", index),
                f"`{name}` sees the references' capitals, which `{taker}` takes from what the model learns",
                help=f"fold both: `{{type: {name}, {remedy}}}`",
                severity="warning",
            )


def _remedy(metric: Config, how: str, *, caseless: bool) -> str | None:
    """What the metric must be told so that it sees no case; ``None`` where it sees none."""
    match metric.component[1]:
        case "wer" | "cer":
            steps = getattr(metric, "normalize", ())
            folds = any(hasattr(step, "case_step") for step in steps)
            return None if folds else f"normalize: [{how}]"
        case "bleu" | "chrf" if not caseless:
            return None if getattr(metric, "lowercase", False) else "lowercase: true"
    return None


def _caseless(plan: Plan) -> bool:
    target = roles(plan).get("target")
    return isinstance(target, Text) and primary(target.language) in CASELESS

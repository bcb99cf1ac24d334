"""Encoder states too few for the labels that CTC must place on them.

CTC gives every label a state of its own, so a source has at least as many states as its target has tokens.
Sound that is shortened too much, or a filter that lets longer targets pass than the longest sound can
carry, leaves examples that have no alignment at all.

Example, in the spec of ``seqspec new asr``::

    data: {filter: {max_seconds: 20.0, max_target_tokens: 1000}}

Use instead::

    data: {filter: {max_seconds: 20.0, max_target_tokens: 400}}
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from seqspec.compile.checks._corpus import pipelines
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path
from seqspec.schema.types import States

CODE = "SQ232"

SPOKEN = 15
"""Letters a second of read English; the LibriSpeech training set has 14.7."""


def check(plan: Plan) -> Iterator[Finding]:
    states = _states(plan)
    if states is None or not _aligns(plan):
        return
    path, rate = states
    limits = plan.experiment.data.filter
    seconds, labels = limits.limits("source").max_seconds, limits.limits("target").max
    if seconds is not None and labels is not None:
        most = int(seconds * rate)
        if labels > most:
            yield Finding(
                ("data", "filter", *limits.place("target", "max")),
                f"{labels} labels cannot stand on {most} states",
                help=f"let targets have at most {most} tokens, or let the encoder shorten the sound less",
                also=(
                    (
                        ("data", "filter", *limits.place("source", "max_seconds")),
                        f"{seconds:g} s at {float(rate):g} states a second",
                    ),
                ),
            )
    if rate < SPOKEN and _writes_letters(plan):
        yield Finding(
            path,
            f"{float(rate):g} states a second are fewer than the letters that people speak, about {SPOKEN}",
            help="let the encoder shorten the sound less, or write pieces instead of letters",
            severity="warning",
        )


def _aligns(plan: Plan) -> bool:
    """Whether the one loss is CTC's: beside another it may leave an example out."""
    return [loss.aligned for loss in plan.losses.values()] == [True]


def _states(plan: Plan) -> tuple[Path, Fraction | int] | None:
    """The encoder and how many states it gives a second; ``None`` where time has no unit."""
    for node in plan.nodes:
        if node.path == ("model", "encoder") and isinstance(node.gives, States) and node.gives.rate:
            return node.path, node.gives.rate
    return None


def _writes_letters(plan: Plan) -> bool:
    written = [pipeline.config for pipeline in pipelines(plan) if pipeline.path[-1] != "source"]
    return any(getattr(config.tokenizer, "by_letter", False) for config in written)

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
_BY_LETTER = frozenset({"characters", "graphemes", "bytes", "lingvo_graphemes"})


def check(plan: Plan) -> Iterator[Finding]:
    states = _states(plan)
    if plan.experiment.loss.component[1] != "ctc" or states is None:
        return
    path, rate = states
    limits = plan.experiment.data.filter
    if limits.max_seconds is not None and limits.max_target_tokens is not None:
        most = int(limits.max_seconds * rate)
        if limits.max_target_tokens > most:
            yield Finding(
                ("data", "filter", "max_target_tokens"),
                f"{limits.max_target_tokens} labels cannot stand on {most} states",
                help=f"let targets have at most {most} tokens, or let the encoder shorten the sound less",
                also=(
                    (
                        ("data", "filter", "max_seconds"),
                        f"{limits.max_seconds:g} s at {float(rate):g} states a second",
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


def _states(plan: Plan) -> tuple[Path, Fraction | int] | None:
    """The encoder and how many states it gives a second; ``None`` where time has no unit."""
    for node in plan.nodes:
        if node.path == ("model", "encoder") and isinstance(node.gives, States) and node.gives.rate:
            return node.path, node.gives.rate
    return None


def _writes_letters(plan: Plan) -> bool:
    written = [pipeline.config for pipeline in pipelines(plan) if pipeline.path[-1] != "source"]
    return any(config.tokenizer.component[1] in _BY_LETTER for config in written)

"""Attention that ends before the longest input does.

Linformer learns how keys are mixed for each position up to ``max_length``. A longer input would stop the run
at the batch that holds it.

Example, in the spec of ``seqspec new classification``::

    data: {filter: {max_source_tokens: 256}}
    model: {encoder: {self_attention: {type: linformer, max_length: 128, num_slots: 32}}}

Use instead as many positions as the longest input has tokens::

    data: {filter: {max_source_tokens: 256}}
    model: {encoder: {self_attention: {type: linformer, max_length: 256, num_slots: 32}}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.compile.checks.positions_reach import longest_inputs
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ370"


def check(plan: Plan) -> Iterator[Finding]:
    for part, (longest, place) in longest_inputs(plan).items():
        config: Any = getattr(getattr(plan.experiment.model, part, None), "self_attention", None)
        limit: tuple[str, int] | None = config.longest() if hasattr(config, "longest") else None
        if limit is not None and limit[1] < longest:
            yield Finding(
                ("model", part, "self_attention", limit[0]),
                f"`{config.component[1]}` reads {limit[1]} positions, and inputs have up to {longest}",
                help=f"set `{limit[0]}: {longest}`, or shorten the inputs",
                also=((place, f"this lets {longest} through"),),
            )

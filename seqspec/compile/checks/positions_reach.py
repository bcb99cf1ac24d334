"""Learned positions that end before the longest input does.

A model with learned positions knows as many places as ``max_positions`` says. A longer input would stop the
run at the batch that holds it.

Example, in the spec of ``seqspec new lm``::

    data: {pack: {length: 128}}
    model: {decoder: {positions: learned, max_positions: 64}}

Use instead as many positions as a row has tokens::

    data: {pack: {length: 128}}
    model: {decoder: {positions: learned, max_positions: 128}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path

CODE = "SQ250"


def check(plan: Plan) -> Iterator[Finding]:
    for part, (longest, place) in longest_inputs(plan).items():
        config: Any = getattr(plan.experiment.model, part, None)
        if getattr(config, "positions", None) != "learned" or config.max_positions is None:
            continue
        if config.max_positions < longest:
            yield Finding(
                ("model", part, "max_positions"),
                f"{config.max_positions} learned positions, and inputs have up to {longest}",
                help=f"set `max_positions: {longest}`, or shorten the inputs",
                also=((place, f"this lets {longest} through, with begin and end"),),
            )


def longest_inputs(plan: Plan) -> dict[str, tuple[int, Path]]:
    """The longest input of encoder and decoder, as far as the spec bounds it, and the place that does."""
    data = plan.experiment.data
    found: dict[str, tuple[int, Path]] = {}
    if data.pack is not None:
        return {"decoder": (data.pack.length, ("data", "pack", "length"))}
    for part, role, end in (("encoder", "source", 0), ("decoder", "target", 1)):
        most = data.filter.limits(role).max
        if most is not None:
            found[part] = (most + end, ("data", "filter", *data.filter.place(role, "max")))
    return found

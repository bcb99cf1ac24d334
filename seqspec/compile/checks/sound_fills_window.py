"""An encoder that hears recordings of one length, and features that are cut at another.

Some encoders fill every recording up to one length, their window, and know no place behind it. The features
are to be cut at the end of that window; and what the filter lets through beyond it would lose its end, while
its text would not.

Example, in the spec of ``seqspec new asr``::

    data: {audio: {features: {type: whisper, max_seconds: 30.0}}}
    model: {encoder: {type: whisper, max_positions: 1000}}

Use instead::

    data: {audio: {features: {type: whisper, max_seconds: 20.0}}}
    model: {encoder: {type: whisper, max_positions: 1000}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import States

CODE = "SQ361"


def check(plan: Plan) -> Iterator[Finding]:
    audio = plan.experiment.data.audio
    cut = getattr(audio and audio.features, "max_seconds", None)
    if cut is None:
        return
    at = ("data", "audio", "features", "max_seconds")
    for node in plan.nodes:
        given = node.gives
        if node.component[0] != "encoder" or not isinstance(given, States) or not given.size:
            continue
        window = float(given.size / given.rate) if given.rate else cut
        if window != cut:
            yield Finding(
                at,
                f"the encoder hears {window:g} seconds, and the features are cut at {cut:g}",
                help=f"set `max_seconds: {window:g}`",
                also=((node.path, f"{given.size:,} states, {float(given.rate):g} a second"),),
            )
        longest = plan.experiment.data.filter.limits("source").max_seconds
        if longest is not None and longest > cut:
            yield Finding(
                ("data", "filter", *plan.experiment.data.filter.place("source", "max_seconds")),
                f"recordings of up to {longest:g} seconds are cut at {cut:g}, and their texts are not",
                help=f"set `max_seconds: {cut:g}`",
                severity="warning",
            )

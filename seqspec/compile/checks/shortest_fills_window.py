"""Recordings that are kept although they are shorter than one window of the features.

A frame is made of a whole window, so such a recording has no frame at all, and the encoder would hear
nothing.  The convolutions after that are padded and ask for no more than one frame.

Example, in the spec of ``seqspec new asr``::

    data: {filter: {min_seconds: 0.01, max_seconds: 20.0}}

Use instead::

    data: {filter: {min_seconds: 0.1, max_seconds: 20.0}}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ236"


def check(plan: Plan) -> Iterator[Finding]:
    audio, least = plan.experiment.data.audio, plan.experiment.data.filter.min_seconds
    window = getattr(audio.features, "window_seconds", None) if audio is not None else None
    if window is None or least is None or least >= window:
        return
    yield Finding(
        ("data", "filter", "min_seconds"),
        f"a recording of {least:g} s is kept, and a window of the features takes {window:g} s",
        help=f"leave out what is shorter than {window:g} s",
        also=((("data", "audio", "features"), f"windows of {window:g} s"),),
        severity="warning",
    )

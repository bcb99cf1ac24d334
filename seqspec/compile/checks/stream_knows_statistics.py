"""An encoder that follows a recording while it is spoken, behind frames that wait for its end.

With `chunk` attention hears a recording piece by piece, so that `seqspec predict --stream` can write while
somebody speaks. Mean and variance of an utterance are known when it is over, and so is what looks at the
recording as a whole; such a spec trains, and cannot stream.

Example, in the spec of ``seqspec new asr``::

    model:
      encoder: {type: conformer, num_layers: 2, dim: 32, num_heads: 2, chunk: 16, causal: true}

Use instead::

    data:
      audio: {normalize: global}
    model:
      encoder: {type: conformer, num_layers: 2, dim: 32, num_heads: 2, chunk: 16, causal: true}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.compile.plan.streaming import Latency, asks_to_stream, latency_of
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Waveform

CODE = "SQ402"


def check(plan: Plan) -> Iterator[Finding]:
    if not isinstance(roles(plan).get("source"), Waveform) or not asks_to_stream(plan):
        return
    found = latency_of(plan)
    for one in [] if isinstance(found, Latency) else found:
        if one.part[0] == "data":
            yield Finding(
                one.setting,
                f"the encoder hears a recording piece by piece, and {one.why.message}",
                help=one.why.help,
                severity="warning",
            )

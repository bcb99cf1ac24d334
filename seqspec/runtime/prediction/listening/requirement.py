"""What a run must be to hear a recording while it comes; known without loading torch."""

from __future__ import annotations

from seqspec.compile.plan.plan import Plan
from seqspec.compile.plan.streaming import Latency, latency_of
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.source import dotted


def require_streaming(plan: Plan) -> Latency:
    """How far behind it hears.  Raises ``RunError`` that names every part that cannot stream, and what to
    set.
    """
    latency = latency_of(plan)
    if isinstance(latency, Latency):
        return latency
    helps = (f"{dotted(one.part)}: {one.why.help}" for one in latency)
    raise RunError(
        f"this run cannot stream; {'; '.join(str(one) for one in latency)}",
        exit=Exit.USAGE,
        help=f"{'; '.join(helps)} (and train it so)",
    )

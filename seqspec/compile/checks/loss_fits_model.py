"""A loss that cannot read what the model gives.

A CTC model scores a blank beside the vocabulary at every state of the source; only the CTC loss sums over
the ways in which the target can be laid on those states.

Example, in the spec of ``seqspec new asr``::

    loss: cross_entropy

Use instead::

    loss: ctc
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Logits

CODE = "SQ233"


def check(plan: Plan) -> Iterator[Finding]:
    for path, config in plan.losses.items():
        node = next((node for node in plan.nodes if node.path == path), None)
        gives = node.takes[0][1] if node is not None else None
        if isinstance(gives, Logits) and gives.blank and config.aligned is False:
            yield Finding(
                path,
                f"`{config.component[1]}` compares target and states one by one, and the model gives CTC "
                "states with a blank",
                help="write `loss: ctc`"
                if path == ("loss",)
                else "write `type: ctc`, or name another output",
                also=((("model",), "states with a blank"),),
            )

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
    gives = next((node.gives for node in plan.nodes if node.path == ("model",)), None)
    kind = plan.experiment.loss.component[1]
    if isinstance(gives, Logits) and gives.blank and kind != "ctc":
        yield Finding(
            ("loss",),
            f"`{kind}` compares target and states one by one, and the model gives CTC states with a blank",
            help="write `loss: ctc`",
            also=((("model",), "states with a blank"),),
        )

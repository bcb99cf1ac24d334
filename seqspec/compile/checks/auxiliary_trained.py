"""An auxiliary output of the model that no loss reads.

A part of the model may work out a loss of its own, such as the cost of thinking longer under adaptive
halting.  In the short form, `loss`, it is trained with the weight that the part asks for; under `losses` it
is trained only if it is named.

Example, in the spec of ``seqspec new mt``::

    model:
      encoder: {type: universal_transformer, num_layers: 2, dim: 64, num_heads: 4, halting: adaptive}
    loss: null
    losses: {nll: {type: cross_entropy, on: tokens}}

Use instead::

    model:
      encoder: {type: universal_transformer, num_layers: 2, dim: 64, num_heads: 4, halting: adaptive}
    loss: null
    losses:
      nll: {type: cross_entropy, on: tokens}
      halting: {type: auxiliary, on: encoder.halting, weight: 0.01}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Auxiliary

CODE = "SQ252"


def check(plan: Plan) -> Iterator[Finding]:
    if plan.experiment.losses is None:
        return
    read = {loss.on for loss in plan.losses.values()}
    node = next((node for node in plan.nodes if node.path == ("model",)), None)
    for name, type_ in node.outputs if node is not None else ():
        if isinstance(type_, Auxiliary) and name not in read:
            yield Finding(
                ("losses",),
                f"no loss reads `{name}`, so this part of the model is not held to anything",
                help=f"add `{{type: auxiliary, on: {name}, weight: {type_.weight:g}}}` under a name",
                severity="warning",
                on_key=True,
            )

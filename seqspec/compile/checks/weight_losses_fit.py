"""A loss over weights, such as `l2`, that names a part the model does not have, or that stands alone.

Such a loss makes weights small and knows nothing of the data, so that it is a term beside one that does.

Example, in the spec of ``seqspec new mt``::

    loss: null
    losses:
      nll: {type: cross_entropy, label_smoothing: 0.1}
      small: {type: l2, parts: [model.encodr], weight: 1.0e-5}

Use instead::

    loss: null
    losses:
      nll: {type: cross_entropy, label_smoothing: 0.1}
      small: {type: l2, parts: [model.encoder], weight: 1.0e-5}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import dotted

CODE = "SQ414"


def check(plan: Plan) -> Iterator[Finding]:
    there = tuple(sorted(map(dotted, plan.parts)))
    if not there:
        return  # inference has already said why there is no model
    of_weights = {path: config for path, config in plan.losses.items() if config.of_weights}
    if of_weights and len(of_weights) == len(plan.losses):
        yield Finding(
            next(iter(of_weights)),
            "nothing is learned from the data: this loss reads weights alone",
            help="name it beside another under `losses`",
        )
    for path, config in of_weights.items():
        for at, part in enumerate(getattr(config, "parts", ())):
            if part not in there:
                help = nearest_or_listed(part, there, there="it has", most=8)
                yield Finding((*path, "parts", at), f"the model has no part `{part}`", help=help)

"""A parameter group with a weight decay of its own, under an optimiser that has none.

A group changes the optimiser's weight decay for some parts; where the optimiser takes no weight decay there is nothing to change.

Example, in the spec of ``seqspec new mt``::

    optimizer: {type: adam, groups: [{parts: [model.encoder], weight_decay: 0.1}]}

Use instead::

    optimizer: {type: adamw, groups: [{parts: [model.encoder], weight_decay: 0.1}]}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ264"


def check(plan: Plan) -> Iterator[Finding]:
    for path, config in plan.optimizers.items():
        if "weight_decay" in type(config).model_fields:
            continue
        for index, group in enumerate(getattr(config, "groups", None) or ()):
            if group.weight_decay is not None:
                yield Finding(
                    (*path, "groups", index, "weight_decay"),
                    f"optimizer `{config.component[1]}` has no weight decay",
                    help="take the key out, or choose an optimiser with weight decay, such as `adamw`",
                    also=((path, "the optimiser"),),
                )

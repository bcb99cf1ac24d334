"""A part of the model that is not there, or a model of which nothing is left to learn.

`initialize`, `freeze` and `adapt` name parts by their place in the spec, such as `model.encoder`, or `model`
for the whole.

Example, in the spec of ``seqspec new mt``::

    freeze: [{parts: [model.encodr]}]

Use instead::

    freeze: [{parts: [model.encoder]}]
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path, dotted

CODE = "SQ237"
WHOLE = True


def check(plan: Plan) -> Iterator[Finding]:
    parts = model_parts(plan)
    if not parts:
        return  # inference has already said why there is no model
    for index, item in enumerate(plan.experiment.initialize):
        for name in item.parts:
            yield from _known(name, ("initialize", index, "parts", name), parts)
    for at, name in enumerate(getattr(plan.experiment.adapt, "parts", ())):
        yield from _known(name, ("adapt", "parts", at), parts)
    for index, freeze in enumerate(plan.experiment.freeze):
        for at, name in enumerate(freeze.parts):
            yield from _known(name, ("freeze", index, "parts", at), parts)
            if name == "model" and freeze.until_step is None:
                yield Finding(
                    ("freeze", index, "parts", at),
                    "the whole model stands still, so that nothing can be learned",
                    help="name the parts that are to stand still, or give `until_step`",
                )
        steps = plan.experiment.train.max_steps
        if freeze.until_step is not None and freeze.until_step >= steps:
            yield Finding(
                ("freeze", index, "until_step"),
                f"the run ends at step {steps:,}, so that these parts never move",
                help="leave `until_step` out if that is meant, or name an earlier step",
                severity="warning",
            )


def model_parts(plan: Plan) -> tuple[str, ...]:
    """The model and every component in it, by place."""
    return tuple(map(dotted, plan.parts))


def _known(name: str, at: Path, parts: tuple[str, ...]) -> Iterator[Finding]:
    if name in parts:
        return
    help = nearest_or_listed(name, parts, there="there are", most=8)
    yield Finding(at, f"there is no part `{name}` in this model", help=help)

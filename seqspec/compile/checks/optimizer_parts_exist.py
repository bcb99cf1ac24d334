"""An optimiser or a parameter group that names a part the model does not have, or one that is not the optimiser's.

Parts are components of the model by their path in the spec. Every part that learns is moved by one of the optimisers.

Example, in the spec of ``seqspec new mt``::

    optimizer: {type: adamw, groups: [{parts: [model.encodr], rate: 0.1}]}

Use instead::

    optimizer: {type: adamw, groups: [{parts: [model.encoder], rate: 0.1}]}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.language.suggestions import nearest_or_listed
from seqspec.compile.plan.plan import Plan
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path, dotted

CODE = "SQ263"
WHOLE = True


def check(plan: Plan) -> Iterator[Finding]:
    if not plan.parts:
        return
    there = set(map(dotted, plan.parts))
    for path, config in plan.optimizers.items():
        own = getattr(config, "parameters", None)
        named = [((*path, "parameters", index), part) for index, part in enumerate(own or ())]
        left = enumerate(getattr(config, "without", ()))
        named += [((*path, "without", index), part) for index, part in left]
        for number, group in enumerate(getattr(config, "groups", None) or ()):
            at = (*path, "groups", number, "parts")
            named += [((*at, index), part) for index, part in enumerate(group.parts)]
        for place, part in named:
            if not _written(plan, part):
                yield from _missing(place, part, there)


def _written(plan: Plan, part: str) -> bool:
    """Whether a component stands in the spec there: where inference has no such part, its own mistake is
    told.
    """
    here: object = plan.experiment
    for name in part.split("."):
        here = getattr(here, name, None)
    return isinstance(here, Config)


def _missing(place: Path, part: str, there: set[str]) -> Iterator[Finding]:
    if part in there:
        return
    help = nearest_or_listed(part, sorted(there), there="it has", most=8)
    yield Finding(place, f"the model has no part `{part}`", help=help)

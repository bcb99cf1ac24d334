"""A part of the model that two optimisers, or two parameter groups, claim.

Every trainable parameter is moved by one optimiser, and belongs to one group of it at most. A part holds everything below it, so `model` and `model.encoder` overlap, unless the first is `without: [model.encoder]`. What paths cannot tell, such as weights that are tied, is told when the model is built.

Example, in the spec of ``seqspec new mt``::

    optimizer: {type: adamw, groups: [{parts: [model.encoder]}, {parts: [model.encoder]}]}

Use instead::

    optimizer: {type: adamw, groups: [{parts: [model.encoder], rate: 0.1}]}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path, dotted

CODE = "SQ262"
WHOLE = True


def check(plan: Plan) -> Iterator[Finding]:
    claimed: list[tuple[Path, Path]] = []
    left: dict[Path, list[Path]] = {}
    for path, config in plan.optimizers.items():
        wanted = getattr(config, "parameters", None)
        own = [(path, ("model",))] if wanted is None else _places(plan, (*path, "parameters"), wanted)
        claimed += own
        without = [part for _, part in _places(plan, (*path, "without"), getattr(config, "without", ()))]
        left |= {place: without for place, _ in own}
        held = []
        for index, group in enumerate(getattr(config, "groups", None) or ()):
            held += _places(plan, (*path, "groups", index, "parts"), group.parts)
        yield from _overlaps(held, "parameter group")
    yield from _overlaps(claimed, "optimiser", left)


def _places(plan: Plan, at: Path, parts: Sequence[str]) -> list[tuple[Path, Path]]:
    """Where each part is named, and the part, of those that the model has."""
    there = {dotted(node.path): node.path for node in plan.nodes}
    return [((*at, index), there[part]) for index, part in enumerate(parts) if part in there]


def _overlaps(
    claimed: Sequence[tuple[Path, Path]], kind: str, left: Mapping[Path, Sequence[Path]] | None = None
) -> Iterator[Finding]:
    """Parts that share any; ``left`` are those below a claim that it leaves to others."""
    left = left or {}
    for index, (place, part) in enumerate(claimed):
        for earlier, other in claimed[:index]:
            common = min(len(part), len(other))
            apart = any(other[: len(one)] == one for one in left.get(place, ()))
            apart = apart or any(part[: len(one)] == one for one in left.get(earlier, ()))
            if part[:common] == other[:common] and not apart:
                inner = dotted(max(part, other, key=len))
                yield Finding(
                    place,
                    f"`{inner}` is claimed twice, and a parameter belongs to one {kind}",
                    help="name each part once",
                    also=((earlier, "claimed here first"),),
                )

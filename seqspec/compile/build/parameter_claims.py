"""Which optimiser moves which parameters: parts of the spec become names of parameters.

Works on modules that are handed over; loads no torch itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.compile.language.paths import parse_path
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path, dotted

if TYPE_CHECKING:
    from torch import nn

    from seqspec.schema.config import Config

WHOLE = ("model",)
"""What an optimiser moves that names no parts."""


class GroupRule(NamedTuple):
    """How the parameters of one group are moved."""

    names: tuple[str, ...]
    rate: float = 1.0
    """Factor on the learning rate."""
    weight_decay: float | None = None
    """In place of the optimiser's."""


@dataclass(frozen=True)
class Claim:
    """One optimiser with the parameters that are its own."""

    path: Path
    """Where it stands in the spec."""
    component: Any
    """Built; ``build(named_parameters)`` makes torch's optimiser."""
    config: Any
    names: tuple[str, ...]
    """Trainable parameters that it moves, in the order of the model."""
    groups: tuple[GroupRule, ...] = ()
    """Parameters that are moved otherwise than the rest; none is in two groups."""


class Parts:
    """Names of the trainable parameters below each part of a built model."""

    def __init__(self, model: nn.Module, components: Mapping[Path, Any]) -> None:
        self._components = {**components, WHOLE: model}
        self.trainable = {
            id(parameter): name for name, parameter in model.named_parameters() if parameter.requires_grad
        }

    def names(self, part: str) -> tuple[str, ...]:
        """In the order of the model; a weight that is tied stands under its first name."""
        module = self._components[tuple(parse_path(part))]
        held = (
            {id(parameter) for parameter in module.parameters()} if hasattr(module, "parameters") else set()
        )
        return tuple(name for key, name in self.trainable.items() if key in held)


def claims(parts: Parts, optimizers: Mapping[Path, Config], built: Mapping[Path, Any]) -> dict[str, Claim]:
    """What each optimiser moves, by its name."""
    found = {}
    for path, config in optimizers.items():
        wanted = _union(parts, getattr(config, "parameters", None) or ["model"])
        others = set(_union(parts, getattr(config, "without", ())))
        wanted = tuple(name for name in wanted if name not in others)
        groups = tuple(
            rule for group in getattr(config, "groups", None) or () for rule in _rules(parts, group, wanted)
        )
        found[str(path[-1])] = Claim(path, built[path], config, wanted, groups)
    return found


def misclaimed(parts: Parts, found: Mapping[str, Claim]) -> Iterator[Finding]:
    """Parameters that no optimiser moves, or more than one; groups that share any, or that are empty."""
    claimed = [name for claim in found.values() for name in claim.names]
    idle = [name for name in parts.trainable.values() if name not in set(claimed)]
    if idle:
        last = list(found.values())[-1]
        yield Finding(
            _place(last, "parameters"),
            f"no optimiser moves {_shown(idle)}",
            help="name the part that holds it under one of the optimisers",
            code="SQ263",
            also=tuple(
                (_place(claim, "parameters"), "nor does this one") for claim in list(found.values())[:-1]
            ),
        )
    yield from _shared([(_place(claim, "parameters"), claim.names) for claim in found.values()])
    for claim in found.values():
        yield from _misgrouped(parts, claim)


def _misgrouped(parts: Parts, claim: Claim) -> Iterator[Finding]:
    held: list[tuple[Path, tuple[str, ...]]] = []
    for index, group in enumerate(getattr(claim.config, "groups", None) or ()):
        place = (*claim.path, "groups", index)
        names = _union(parts, group.parts)
        held.append((place, names))
        outside = [name for name in names if name not in set(claim.names)]
        if outside or not names:
            what = f"{_shown(outside)} is not this optimiser's" if outside else "the group holds no parameter"
            yield Finding((*place, "parts"), what, help="name parts that this optimiser moves", code="SQ263")
        if group.layer_decay is not None and names and _depths(names) is None:
            yield Finding(
                (*place, "layer_decay"),
                f"{', '.join(f'`{part}`' for part in group.parts)} has no numbered layers",
                help="leave `layer_decay` out, or name the part with the layers",
                code="SQ265",
            )
    yield from _shared(held)


def _shared(held: Sequence[tuple[Path, tuple[str, ...]]]) -> Iterator[Finding]:
    for index, (place, names) in enumerate(held):
        for earlier, others in held[:index]:
            both = [name for name in names if name in set(others)]
            if both:
                yield Finding(
                    place,
                    f"{_shown(both)} is moved by `{dotted(earlier)}` and by `{dotted(place)}`",
                    help="name each part once; weights that are tied belong to one of them",
                    code="SQ262",
                    also=((earlier, "claimed here first"),),
                )


def _place(claim: Claim, field: str) -> Path:
    return (*claim.path, field) if getattr(claim.config, field, None) is not None else claim.path


def _shown(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"`{names[0]}`{rest}"


def _union(parts: Parts, wanted: Sequence[str]) -> tuple[str, ...]:
    held = {name for part in wanted for name in parts.names(part)}
    return tuple(name for name in parts.trainable.values() if name in held)


def _rules(parts: Parts, group: Any, within: tuple[str, ...]) -> Iterator[GroupRule]:
    names = tuple(name for name in _union(parts, group.parts) if name in set(within))
    depths = _depths(names) if group.layer_decay is not None else None
    if depths is None:
        yield GroupRule(names, group.rate, group.weight_decay)
        return
    top = max(depths.values())
    for depth in sorted(set(depths.values())):
        chosen = tuple(name for name in names if depths[name] == depth)
        yield GroupRule(chosen, group.rate * group.layer_decay ** (top - depth), group.weight_decay)


_NUMBERED = re.compile(r"^(.*?)\.(\d+)\.")


def _depths(names: Sequence[str]) -> dict[str, int] | None:
    """How many layers lie below each parameter; ``None`` where nothing is numbered.

    The layers are the longest run of numbers.  Before them is depth 0, layer i is i + 1, behind them is one
    more.
    """
    found = {name: match for name in names if (match := _NUMBERED.match(name)) is not None}
    counts: dict[str, set[int]] = {}
    for match in found.values():
        counts.setdefault(match[1], set()).add(int(match[2]))
    if not counts:
        return None
    stack = max(counts, key=lambda prefix: len(counts[prefix]))
    inside = {name: int(match[2]) + 1 for name, match in found.items() if match[1] == stack}
    first = next(index for index, name in enumerate(names) if name in inside)
    behind = max(inside.values()) + 1
    return {name: inside.get(name, 0 if index < first else behind) for index, name in enumerate(names)}

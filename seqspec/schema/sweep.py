"""The space of a sweep: which values each setting may take, without torch and without a sampler.

The kinds are those of Tensor2Tensor's ranged hyperparameters (``set_float``, ``set_int``, ``set_discrete``,
``set_categorical`` with a linear or a logarithmic scale) under the names that today's tools use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

Kind = Literal["uniform", "log_uniform", "int", "log_int", "choice"]
Scalar = bool | int | float | str | None
Value = Scalar | list[Any] | dict[str, Any]
Params = Mapping[str, Value]

KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_CORNERS = 64
"""Corners that are combined with each other; of a larger space each value is taken alone."""
MOST_PROBES = 16
"""An interval of no more whole numbers than this is checked at each of them."""


class SpaceError(ValueError):
    """A space that cannot be searched; ``help`` says what to write instead."""

    def __init__(self, message: str, *, help: str) -> None:
        self.help = help
        super().__init__(message)


@dataclass(frozen=True)
class Dimension:
    """One setting that the sweep varies."""

    path: str
    """The setting's path in the spec, as ``--set`` takes it."""
    kind: Kind
    """How values are spread: evenly, evenly in the logarithm, or as a list."""
    values: tuple[Value, ...]
    """The two bounds, both included, or the choices in order, of which each may be a whole section."""

    @property
    def bounds(self) -> tuple[float, float]:
        """The two bounds of an interval."""
        low, high = self.values
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        return low, high

    @property
    def whole(self) -> bool:
        return self.kind in ("int", "log_int")

    @property
    def logarithmic(self) -> bool:
        return self.kind in ("log_uniform", "log_int")

    def probes(self) -> tuple[Value, ...]:
        """The values that the compiler checks beforehand: every choice, both bounds, few whole numbers."""
        if self.whole and self.bounds[1] - self.bounds[0] < MOST_PROBES:
            return tuple(range(int(self.bounds[0]), int(self.bounds[1]) + 1))
        return self.values

    def at(self, position: float) -> Value:
        """The value at ``position`` of the unit interval."""
        if self.kind == "choice":
            return self.values[min(int(position * len(self.values)), len(self.values) - 1)]
        low, high = self.bounds
        if self.whole:
            return self._whole_at(position, int(low), int(high))
        if self.logarithmic:
            low, high = math.log(low), math.log(high)
            return min(max(math.exp(low + position * (high - low)), self.bounds[0]), self.bounds[1])
        return min(low + position * (high - low), high)

    def index(self, value: Value) -> int:
        """The place of a choice in its list."""
        return [_written(one) for one in self.values].index(_written(value))

    def name(self, value: Value) -> str:
        """A value in a few words: a section by its type and what tells it from others of that type."""
        if not isinstance(value, dict):
            return _json(value)
        kind = value.get("type", "")
        others = [
            dict(_leaves(one)) for one in self.values if isinstance(one, dict) and one.get("type", "") == kind
        ]
        own = [
            f"{path}={leaf}" for path, leaf in _leaves(value) if any(one.get(path) != leaf for one in others)
        ]
        return f"{kind}({', '.join(own)})" if own or not kind else str(kind)

    def place(self, value: Value) -> float:
        """Where a value lies in the unit interval: the way back from ``at`` but for rounding."""
        if self.kind == "choice":
            return self.index(value) / max(len(self.values) - 1, 1)
        assert isinstance(value, int | float)
        low, high = self.bounds
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)

    def _whole_at(self, position: float, low: int, high: int) -> int:
        if self.logarithmic:
            bottom, top = math.log(low - 0.5), math.log(high + 0.5)
            found = round(math.exp(bottom + position * (top - bottom)))
        else:
            found = low + int(position * (high - low + 1))
        return min(max(found, low), high)

    def to_json(self) -> dict[str, list[Value]]:
        return {self.kind: list(self.values)}

    def __str__(self) -> str:
        """The range in a few words."""
        if any(isinstance(one, dict) for one in self.values):
            return f"{{{self.kind}: [{', '.join(map(self.name, self.values))}]}}"
        return _json(self.to_json())


@dataclass(frozen=True)
class Space:
    """All settings that a sweep varies."""

    dimensions: tuple[Dimension, ...]

    def corners(self) -> Iterator[dict[str, Value]]:
        """Settings to check before anything runs: every combination of the probes of a small space; of a
        large one all the lowest, all the highest, and each value alone over the spec.
        """
        probes = [(one.path, one.probes()) for one in self.dimensions]
        if math.prod(len(values) for _, values in probes) <= MOST_CORNERS:
            names = [path for path, _ in probes]
            yield from (dict(zip(names, found, strict=True)) for found in product(*(v for _, v in probes)))
            return
        yield {path: values[0] for path, values in probes}
        yield {path: values[-1] for path, values in probes}
        yield from ({path: value} for path, values in probes for value in values)

    def grid_size(self) -> int:
        """How many points a grid has."""
        return math.prod(len(self._points(one)) for one in self.dimensions)

    def grid_point(self, number: int) -> dict[str, Value]:
        """Point ``number`` of the grid; the last dimension moves fastest."""
        point: dict[str, Value] = {}
        for one in reversed(self.dimensions):
            number, index = divmod(number, len(self._points(one)))
            point[one.path] = self._points(one)[index]
        return {one.path: point[one.path] for one in self.dimensions}

    def _points(self, one: Dimension) -> Sequence[Value]:
        if one.kind == "choice":
            return one.values
        if one.whole and not one.logarithmic:
            return range(int(one.bounds[0]), int(one.bounds[1]) + 1)
        raise SpaceError(
            f"a grid has no points on `{one.path}`, which is `{one.kind}`",
            help="list the values as `{choice: [a, b, c]}`, or take the sampler `sobol`",
        )

    def names(self, params: Params) -> dict[str, str]:
        """The settings of a corner or a trial in a few words each, in the order of the space."""
        return {one.path: one.name(params[one.path]) for one in self.dimensions if one.path in params}

    def told(self, params: Params, *, between: str = " ") -> str:
        """The settings of a corner or a trial in one line."""
        return between.join(f"{path}={name}" for path, name in self.names(params).items())

    def to_json(self) -> dict[str, dict[str, list[Value]]]:
        return {one.path: one.to_json() for one in self.dimensions}


def overrides(params: Params) -> dict[str, str]:
    """The settings of a corner or a trial by their paths, each as ``--set`` takes it; JSON is YAML.  A
    section stands before its parts, which would be lost under it.
    """
    order = sorted(params, key=lambda path: path.count(".") + path.count("["))
    return {path: f"{path}={_json(params[path])}" for path in order}


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """The plain values in a section by their paths, as JSON."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _leaves(one, f"{path}.{key}" if path else key)
    else:
        yield path, _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _written(value: object) -> str:
    """Tells values apart by type too: ``True`` and 1, 1 and 1.0."""
    return json.dumps(value, sort_keys=True)


def dimension(path: str, given: object) -> Dimension:
    """What stands under a path of the space: ``{log_uniform: [1e-4, 3e-3]}``, or a list of choices.
    Raises ``SpaceError``.
    """
    form = "write one of " + ", ".join(f"{{{kind}: [a, b]}}" for kind in KINDS)
    if isinstance(given, list):
        given = {"choice": given}
    if not isinstance(given, dict) or len(given) != 1:
        raise SpaceError(f"`{path}` is given no kind of range", help=form)
    kind, values = next(iter(given.items()))
    if kind not in KINDS:
        raise SpaceError(f"`{path}` has a range of an unknown kind, `{kind}`", help=form)
    if not isinstance(values, list):
        raise SpaceError(f"`{path}`: `{kind}` takes a list", help=form)
    (_choices if kind == "choice" else _interval)(path, kind, values)
    return Dimension(path, kind, tuple(values))


def _choices(path: str, kind: str, values: list[Any]) -> None:
    if not values or len(set(map(_written, values))) < len(values):
        raise SpaceError(
            f"`{path}`: a choice needs at least one value, and each only once", help="write {choice: [a, b]}"
        )
    for inside in filter(None, map(_range_inside, values)):
        raise SpaceError(
            f"`{path}`: a choice holds values, and `{inside}` in it is a range",
            help=f"list a choice for each value of `{inside}`, or give `{path}.{inside}` a range of its own",
        )


def _range_inside(value: object, path: str = "") -> str | None:
    """The path in a choice at which a range stands, if one does."""
    if isinstance(value, list):
        below = [(f"{path}[{at}]", one) for at, one in enumerate(value)]
    elif isinstance(value, dict):
        if path and any([kind] == list(value) and isinstance(value[kind], list) for kind in KINDS):
            return path
        below = [(f"{path}.{key}" if path else key, one) for key, one in value.items()]
    else:
        return None
    return next(filter(None, (_range_inside(one, at) for at, one in below)), None)


def _interval(path: str, kind: str, values: list[Any]) -> None:
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    if not all(math.isfinite(one) for one in numbers):
        raise SpaceError(f"`{path}`: the bounds of `{kind}` are finite numbers", help="write two of them")
    if len(values) != 2 or len(numbers) != 2 or not numbers[0] < numbers[1]:
        raise SpaceError(
            f"`{path}`: `{kind}` takes a lower and a higher bound",
            help=f"write {{{kind}: [low, high]}}; single values are {{choice: [a, b, c]}}",
        )
    if "int" in kind and not all(isinstance(one, int) for one in numbers):
        raise SpaceError(f"`{path}`: the bounds of `{kind}` are whole numbers", help="or take `uniform`")
    if kind.startswith("log") and numbers[0] <= 0:
        raise SpaceError(
            f"`{path}`: a logarithmic range starts above 0, not at {numbers[0]}",
            help=f"raise the lower bound, or take `{kind.removeprefix('log_')}`",
        )

"""The space of a sweep: which values each setting may take, without torch and without a sampler.

The kinds are those of Tensor2Tensor's ranged hyperparameters (``set_float``, ``set_int``, ``set_discrete``,
``set_categorical`` with a linear or a logarithmic scale) under the names that today's tools use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
    parts: tuple[tuple[Dimension, ...], ...] = ()
    """Of a choice: the ranges inside each, which are searched where that one is chosen; their paths begin
    there.
    """

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
        if self.kind == "choice":
            each = [(at, Space(parts).corners()) for at, parts in enumerate(self.parts)]
            return tuple(self.filled(at, corner) for at, corners in each for corner in corners)
        return self.values

    def points(self) -> Sequence[Value]:
        """Each value, in order.  Raises ``SpaceError`` where there is no end of them."""
        if self.kind == "choice":
            return [
                self.filled(at, space.grid_point(number))
                for at, space in enumerate(map(Space, self.parts))
                for number in range(space.grid_size())
            ]
        if self.whole and not self.logarithmic:
            return range(int(self.bounds[0]), int(self.bounds[1]) + 1)
        raise SpaceError(
            f"a grid has no points on `{self.path}`, which is `{self.kind}`",
            help="list the values as `{choice: [a, b, c]}`, or take the sampler `sobol`",
        )

    def filled(self, index: int, found: Params) -> Value:
        """A choice with values for the ranges inside it, by their paths; without one, the range's first."""
        inside = {one.path: one for one in self.parts[index]}
        values = {path: found[path] if path in found else one.probes()[0] for path, one in inside.items()}
        whole: Value = _filled(self.values[index], values)
        return whole

    def gives(self, index: int, value: Value) -> bool:
        """Whether ``value`` is a choice, filled as it may be."""
        found = {one.path: _inside(value, one.path) for one in self.parts[index]}
        within = all(one.holds(found[one.path]) for one in self.parts[index])
        return within and _written(self.filled(index, found)) == _written(value)

    def holds(self, value: Value) -> bool:
        """Whether a value is one of the range."""
        if self.kind == "choice":
            return any(self.gives(at, value) for at in range(len(self.values)))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.bounds[0] <= value <= self.bounds[1]  # type: ignore[operator]

    def ranges(self) -> Iterator[tuple[Dimension, Callable[[Value], Value]]]:
        """The range itself and those inside its choices, each with what makes a value of the whole of one of
        its own.
        """
        yield self, lambda value: value
        for at, parts in enumerate(self.parts):
            for part in parts:
                for one, made in part.ranges():
                    whole = partial(self._with, at, part.path, made)
                    yield replace(one, path=f"{self.path}.{one.path}"), whole

    def _with(self, index: int, path: str, made: Callable[[Value], Value], value: Value) -> Value:
        return self.filled(index, {path: made(value)})

    def at(self, position: float) -> float:
        """The number at ``position`` of the unit interval; of a choice its place in the list."""
        if self.kind == "choice":
            return min(int(position * len(self.values)), len(self.values) - 1)
        low, high = self.bounds
        if self.whole:
            return self._whole_at(position, int(low), int(high))
        if self.logarithmic:
            low, high = math.log(low), math.log(high)
            return min(max(math.exp(low + position * (high - low)), self.bounds[0]), self.bounds[1])
        return min(low + position * (high - low), high)

    def index(self, value: Value) -> int:
        """The place in the list of the choice that gives ``value``."""
        return next(at for at in range(len(self.values)) if self.gives(at, value))

    def drawn(self, draw: Callable[[str, Dimension], Any], name: str | None = None) -> Value:
        """A value by ``draw``, which gives the place of a choice or a number; what is inside a choice is
        drawn where that one is chosen.
        """
        name = name or self.path
        if self.kind != "choice":
            number: Value = draw(name, self)
            return number
        at = draw(name, self)
        return self.filled(at, {one.path: one.drawn(draw, _part(name, at, one)) for one in self.parts[at]})

    def draws(self, value: Value, name: str | None = None) -> Iterator[tuple[str, Dimension, Any]]:
        """What ``draw`` was asked for and gave to make ``value``."""
        name = name or self.path
        if self.kind != "choice":
            yield name, self, value
            return
        at = self.index(value)
        yield name, self, at
        for one in self.parts[at]:
            yield from one.draws(_inside(value, one.path), _part(name, at, one))

    def every(self, name: str | None = None) -> Iterator[str]:
        """The names of all that may be drawn."""
        name = name or self.path
        yield name
        for at, parts in enumerate(self.parts):
            for one in parts:
                yield from one.every(_part(name, at, one))

    def name(self, value: Value) -> str:
        """A value in a few words: a section by its type, what tells it from others of that type, and what was
        found for the ranges inside it.
        """
        if not isinstance(value, dict):
            return _json(value)
        kind = value.get("type", "")
        sections = [one for one in self.values if isinstance(one, dict)]
        others = [dict(_leaves(one)) for one in sections if not kind or one.get("type") == kind]
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
            told = [
                " ".join([self.name(value), *(f"{one.path}={one}" for one in parts)])
                for value, parts in zip(self.values, self.parts, strict=True)
            ]
            return f"{{{self.kind}: [{', '.join(told)}]}}"
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
        return math.prod(len(one.points()) for one in self.dimensions)

    def grid_point(self, number: int) -> dict[str, Value]:
        """Point ``number`` of the grid; the last dimension moves fastest."""
        point: dict[str, Value] = {}
        for one in reversed(self.dimensions):
            number, index = divmod(number, len(one.points()))
            point[one.path] = one.points()[index]
        return {one.path: point[one.path] for one in self.dimensions}

    @property
    def conditional(self) -> bool:
        """Whether some settings are there only where others are chosen."""
        return any(parts for one in self.dimensions for parts in one.parts)

    def drawn(self, draw: Callable[[str, Dimension], Any]) -> dict[str, Value]:
        """Settings by ``draw``, which gives a number, or the place of a choice."""
        return {one.path: one.drawn(draw) for one in self.dimensions}

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


def _filled(value: Any, found: Params, path: str = "") -> Any:
    if path in found:
        return found[path]
    if not isinstance(value, dict):
        return value
    return {key: _filled(one, found, f"{path}.{key}" if path else key) for key, one in value.items()}


def _inside(value: Any, path: str) -> Any:
    """What stands at ``path`` in a section; ``None`` where it has nothing there."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _part(name: str, index: int, one: Dimension) -> str:
    return f"{name}[{index}].{one.path}"


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
    if kind == "choice":
        return Dimension(path, kind, tuple(values), _choices(path, values))
    _interval(path, kind, values)
    return Dimension(path, kind, tuple(values))


def _choices(path: str, values: list[Any]) -> tuple[tuple[Dimension, ...], ...]:
    """The ranges inside each choice."""
    if not values or len(set(map(_written, values))) < len(values):
        raise SpaceError(
            f"`{path}`: a choice needs at least one value, and each only once", help="write {choice: [a, b]}"
        )
    try:
        return tuple(tuple(_parts(value)) for value in values)
    except SpaceError as error:
        raise SpaceError(f"in a choice of `{path}`, {error}", help=error.help) from None


def _parts(value: object, path: str = "") -> Iterator[Dimension]:
    if not isinstance(value, dict):
        return
    if path and any([kind] == list(value) and isinstance(value[kind], list) for kind in KINDS):
        yield dimension(path, value)
        return
    for key, one in value.items():
        yield from _parts(one, f"{path}.{key}" if path else key)


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

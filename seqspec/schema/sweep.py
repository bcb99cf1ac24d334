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
from typing import Literal, get_args

Kind = Literal["uniform", "log_uniform", "int", "log_int", "choice"]
Scalar = bool | int | float | str | None
Params = Mapping[str, Scalar]

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
    values: tuple[Scalar, ...]
    """The two bounds, both included, or the choices in order."""

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

    def probes(self) -> tuple[Scalar, ...]:
        """The values that the compiler checks beforehand: every choice, both bounds, few whole numbers."""
        if self.whole and self.bounds[1] - self.bounds[0] < MOST_PROBES:
            return tuple(range(int(self.bounds[0]), int(self.bounds[1]) + 1))
        return self.values

    def at(self, position: float) -> Scalar:
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

    def place(self, value: Scalar) -> float:
        """Where a value lies in the unit interval: the way back from ``at`` but for rounding."""
        if self.kind == "choice":
            index = next(
                at for at, one in enumerate(self.values) if type(one) is type(value) and one == value
            )
            return index / max(len(self.values) - 1, 1)
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

    def to_json(self) -> dict[str, list[Scalar]]:
        return {self.kind: list(self.values)}


@dataclass(frozen=True)
class Space:
    """All settings that a sweep varies."""

    dimensions: tuple[Dimension, ...]

    def corners(self) -> Iterator[dict[str, Scalar]]:
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

    def grid_point(self, number: int) -> dict[str, Scalar]:
        """Point ``number`` of the grid; the last dimension moves fastest."""
        point: dict[str, Scalar] = {}
        for one in reversed(self.dimensions):
            number, index = divmod(number, len(self._points(one)))
            point[one.path] = self._points(one)[index]
        return {one.path: point[one.path] for one in self.dimensions}

    def _points(self, one: Dimension) -> Sequence[Scalar]:
        if one.kind == "choice":
            return one.values
        if one.whole and not one.logarithmic:
            return range(int(one.bounds[0]), int(one.bounds[1]) + 1)
        raise SpaceError(
            f"a grid has no points on `{one.path}`, which is `{one.kind}`",
            help="list the values as `{choice: [a, b, c]}`, or take the sampler `sobol`",
        )

    def to_json(self) -> dict[str, dict[str, list[Scalar]]]:
        return {one.path: one.to_json() for one in self.dimensions}


def overrides(params: Params) -> list[str]:
    """The settings of a corner or a trial as ``--set`` takes them; JSON is YAML."""
    return [f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in params.items()]


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
    if not isinstance(values, list) or not all(isinstance(one, Scalar) for one in values):
        parts = isinstance(values, list) and any(isinstance(one, dict) for one in values)
        by_type = "name components by their types, `[a, b]`, and what they take by further paths"
        raise SpaceError(f"`{path}`: `{kind}` takes a list of plain values", help=by_type if parts else form)
    (_choices if kind == "choice" else _interval)(path, kind, values)
    return Dimension(path, kind, tuple(values))


def _choices(path: str, kind: str, values: list[Scalar]) -> None:
    kept = {(type(one), one) for one in values}
    if not values or len(kept) < len(values):
        raise SpaceError(
            f"`{path}`: a choice needs at least one value, and each only once", help="write {choice: [a, b]}"
        )


def _interval(path: str, kind: str, values: list[Scalar]) -> None:
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

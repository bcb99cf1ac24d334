"""Files of points: a line a point, numbers between blanks or commas, or a NumPy array ``[N, C]``.

A first line with one whole number is the count of the points, as in ``.pts`` files of scanners; lines that
begin with ``#`` are comments.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._numpy_file import read_array
from seqspec.components.predictions import PointsPrediction
from seqspec.data.corpus.lines import whole_texts
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

SUFFIXES = frozenset((".txt", ".pts", ".xyz", ".npy"))
MOST_POINTS = 1_000_000
MOST_TIMES = 8
"""How often a point may stand in a set that is filled up from a file with fewer."""
_BETWEEN = re.compile(r"[\s,]+")
_AT_ONCE = 2**22
"""Distances that are looked at together."""


def read_points(path: Path, *, columns: Collection[int], told: str) -> NDArray[np.float64]:
    """``[N, C]``: the numbers of each point, C one of ``columns``; ``told`` says what they are.

    Raises ``DataError`` with the file and, of a text, the line.
    """
    points = _array(path) if path.suffix.lower() == ".npy" else _table(path)
    if points.shape[1] not in columns:
        raise _error(f"a point has {_numbers(points.shape[1])}, and this run reads {told}", path)
    if not np.isfinite(points).all():
        first = int(np.flatnonzero(~np.isfinite(points).all(1))[0])
        raise _error(f"point {first + 1:,} has a number that is not finite", path)
    return points


CENTRED = (
    "as many points as the set has, drawn without regard to place; of each the place less the mean of these "
    "places, over the largest distance from it; a normal as it is"
)
"""What ``draw`` and ``in_unit_ball`` do, for programs of other languages."""


def draw(name: str, held: int, wanted: int) -> NDArray[np.int64]:
    """Which of ``held`` points are taken, always the same for the same name; all again where too few."""
    rng = np.random.Generator(np.random.Philox(seed_of_name(name)))
    return np.concatenate([rng.permutation(held) for _ in range(-(-wanted // held))])[:wanted]


def seed_of_name(name: str) -> int:
    """What decides the draw of points from a file that is called so."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8])


def in_unit_ball(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[N, 3]`` about their mean, the farthest at distance 1."""
    centred: NDArray[np.float64] = places - places.mean(0)
    centred /= np.linalg.norm(centred, axis=1).max() or 1.0
    return centred


def require_cloud(points: NDArray[np.float64], path: Path, *, wanted: int) -> None:
    """Raises ``DataError`` for too few points for a set of ``wanted``, and for points all at one place."""
    fewest = -(-wanted // MOST_TIMES)
    if len(points) < fewest:
        raise _error(
            f"the file has {len(points):,} points, and the run reads sets of {wanted:,}",
            path,
            help=f"give at least {fewest:,}: each is taken {MOST_TIMES} times at most",
        )
    if (points[:, :3] == points[0, :3]).all():
        raise _error("all points lie at one place", path)


def of_every_point(
    told: PointsPrediction, points: NDArray[np.float64], drawn: NDArray[np.int64]
) -> PointsPrediction:
    """The classes of all points of a file: what was predicted of those that were ``drawn``, and of any other
    point the class of the nearest of them.
    """
    classes = np.empty(len(points), np.int64)
    places, seen = points[:, :3], points[drawn, :3]
    step = max(_AT_ONCE // max(len(seen), 1), 1)
    for start in range(0, len(points), step):
        apart = np.zeros((len(places[start : start + step]), len(seen)))
        for axis in range(3):
            apart += (places[start : start + step, None, axis] - seen[None, :, axis]) ** 2
        classes[start : start + step] = told.classes_N[apart.argmin(1)]
    classes[drawn] = told.classes_N
    return PointsPrediction(classes, points)


def _array(path: Path) -> NDArray[np.float64]:
    array = read_array(path, dims=(2,), told="numbers [points, columns]")
    _require_count(len(array), path)
    return array.astype(np.float64)


def _table(path: Path) -> NDArray[np.float64]:
    rows: list[list[str]] = []
    places: list[int] = []
    for number, text in enumerate(whole_texts(path), 1):
        cells = [cell for cell in _BETWEEN.split(text.partition("#")[0]) if cell]
        if cells:
            rows.append(cells)
            places.append(number)
        if len(rows) > MOST_POINTS + 1:
            break
    if rows and len(rows[0]) == 1 and rows[0][0].isdecimal():
        _require_promised(int(rows[0][0]), len(rows) - 1, path)
        rows, places = rows[1:], places[1:]
    _require_count(len(rows), path)
    for number, row in zip(places, rows, strict=True):
        if len(row) != len(rows[0]):
            message = f"the point has {_numbers(len(row))}, and the first one {len(rows[0])}"
            raise _error(message, path, row=number)
    return np.array([_floats(row, path, number) for number, row in zip(places, rows, strict=True)])


def _floats(row: list[str], path: Path, number: int) -> list[float]:
    try:
        return [float(cell) for cell in row]
    except ValueError:
        raise _error("the line does not hold the numbers of a point", path, row=number) from None


def _require_promised(promised: int, held: int, path: Path) -> None:
    if promised != held:
        raise _error(f"the first line promises {promised:,} points, and {held:,} follow", path, row=1)


def _require_count(count: int, path: Path) -> None:
    if not count:
        raise _error("the file is empty", path)
    if count > MOST_POINTS:
        raise _error(f"the file has more than {MOST_POINTS:,} points", path)


def _numbers(count: int) -> str:
    return f"{count} number" + "s" * (count != 1)


def _error(message: str, path: Path, *, row: int | None = None, help: str | None = None) -> DataError:
    return DataError(message, file=show(path), row=row, help=help)

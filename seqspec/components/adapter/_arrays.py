"""Cells of a table that hold numbers: one, a sequence, a vector, frames; written out or as ``.npy`` files."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqspec.components.adapter._cells import BadCell, real_of
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.printable import show
from seqspec.schema.adapter._table import RoleColumn, TableConfig

NUMBERS = ("number", "vector", "frames", "integers", "floats")
"""Kinds of columns that hold numbers."""
MOST_VALUES = 2**26
"""Numbers that one cell may hold."""
MOST_WHOLE = 2**53
"""Beyond it a whole number that was written as a float has lost digits."""
_BETWEEN = re.compile(r"[\s,]+")


def number_of(value: object, column: RoleColumn) -> float:
    """A cell as one finite number."""
    number = real_of(value)
    if not math.isfinite(number) or abs(number) > float(np.finfo(np.float32).max):
        raise BadCell(f"column `{show(column.column)}` holds no number")
    return number


def array_of(adapter: Adapter[TableConfig], value: object, column: RoleColumn) -> np.ndarray:
    """A cell as the array of its kind: ``[T]`` of a sequence, ``[1, D]`` of a vector, ``[T, D]`` frames."""
    name = show(column.column)
    array = _read(adapter, value, name)
    if array.size > MOST_VALUES:
        raise BadCell(f"column `{name}` holds {array.size:,} numbers, and at most {MOST_VALUES:,} are read")
    array = array.reshape(1, -1) if column.kind == "vector" and array.ndim == 1 else array
    array = array.reshape(0, column.dim or 0) if column.kind == "frames" and not array.size else array
    _require_shape(array, column, name)
    if column.kind == "integers":
        return _whole(array, name)
    if not np.isfinite(array).all():
        raise BadCell(f"column `{name}` holds a number that is not finite")
    return array.astype(np.float32)


def synthetic_numbers(column: RoleColumn, rng: random.Random, folder: Path, name: str) -> str:
    """What a synthetic table holds there: text for one number or a sequence, else the path of an ``.npy``."""
    if column.number is not None:
        return f"{rng.uniform(-1, 1):.4f}"
    count = rng.randrange(3, 12)
    if column.integers is not None:
        return " ".join(str(rng.randrange(1, 9)) for _ in range(count))
    if column.floats is not None:
        return " ".join(f"{rng.uniform(80, 300):.2f}" for _ in range(count))
    shape = (column.dim or 1,) if column.vector is not None else (count, column.dim or 1)
    path = f"arrays/{column.column}/{name}.npy"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    values = [rng.gauss(0, 1) for _ in range(math.prod(shape))]
    np.save(folder / path, np.array(values, np.float32).reshape(shape))
    return path


def _read(adapter: Adapter[TableConfig], value: object, name: str) -> np.ndarray:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _array(value, name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return np.array([value])
    if not isinstance(value, str) or not value.strip():
        raise BadCell(f"column `{name}` is {'empty' if value in (None, '') else 'no sequence of numbers'}")
    text = value.strip()
    if text.endswith(".npy"):
        return _load(adapter, text, name)
    return _array(_BETWEEN.split(text.strip("[]")), name)


def _array(values: Sequence[object], name: str) -> np.ndarray:
    if any(isinstance(value, bool) for value in values):
        raise BadCell(f"column `{name}` holds truth values, not numbers")
    try:
        exact = np.asarray([int(v) if isinstance(v, str) else v for v in values])
    except (TypeError, ValueError, OverflowError):
        exact = None
    if exact is not None and exact.dtype.kind in "iuf":
        return exact
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise BadCell(f"column `{name}` holds no sequence of numbers") from None


def _load(adapter: Adapter[TableConfig], text: str, name: str) -> np.ndarray:
    path = adapter.inside(text)
    if path is None:
        raise BadCell(adapter.outside(text))
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "the file does not exist" if missing else "it is no array of numbers"
        raise BadCell(f"`{show(text)}` of column `{name}` cannot be read: {reason}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise BadCell(f"`{show(text)}` of column `{name}` holds no numbers")
    return array


def _require_shape(array: np.ndarray, column: RoleColumn, name: str) -> None:
    if column.kind in ("integers", "floats"):
        if array.ndim != 1:
            raise BadCell(f"column `{name}` holds numbers of shape {array.shape}, not one sequence")
        return
    if column.kind == "frames" and array.ndim == 1:
        raise BadCell(f"column `{name}` holds one sequence, not frames of {column.dim} numbers each")
    if array.ndim != 2 or array.shape[1] != column.dim or (column.kind == "vector" and len(array) != 1):
        held = array.shape[-1] if array.ndim and len(array) == 1 else array.shape
        raise BadCell(f"column `{name}` holds {held} numbers, not {column.dim}")


def _whole(array: np.ndarray, name: str) -> np.ndarray:
    whole = array.dtype.kind in "iu" or bool((np.abs(array) <= MOST_WHOLE).all() and (array % 1 == 0).all())
    if not whole or (array.size and int(np.abs(array).max()) >= 2**62):
        raise BadCell(f"column `{name}` holds a number that is not whole")
    return array.astype(np.int64)

"""The JSON files of a run directory, read as what a stranger may have written: bounded, checked, and refused
with the file's name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from os.path import lexists
from pathlib import Path
from typing import Any, NamedTuple

from seqspec.data.regular_file import open_regular
from seqspec.runtime.run_folder.shapes import misshapen
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.types import Classes, Type, Unknown

MAX_BYTES = 512 << 20
"""A JSON file of a run is smaller: the largest is a split's predictions or the image of an attention."""


def read_json(path: Path) -> Any:
    """The value in ``path``; ``None`` where there is no file.  Raises ``RunError`` where it is no JSON."""
    if not lexists(path):  # A link that leads nowhere is no missing file.
        return None
    return parsed(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """What a file of a run holds.  Raises ``RunError`` where it is no regular file, or larger than any is."""
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None
    if len(data) > MAX_BYTES:
        raise _refused(path, f"it holds more than {MAX_BYTES:,} bytes, as no run writes")
    return data


def read_document(run: Path, name: str) -> Any:
    """The file ``name`` of the run directory ``run``, its shape checked; ``None`` where there is none."""
    found = read_json(run / name)
    why = misshapen(found, name) if found is not None else None
    if why is not None:
        raise _refused(run / name, why)
    return found


def parsed(data: bytes, path: Path, *, line: int | None = None) -> Any:
    """``data``, which stands in ``path``, and in its line ``line`` where that is given, as JSON."""
    try:
        return json.loads(data)
    except RecursionError:
        raise _refused(path, "it is nested too deeply", line=line) from None
    except ValueError as error:
        why = "it holds NUL bytes" if b"\0" in data else f"it is no JSON ({error})"
        raise _refused(path, why, line=line) from None


class LearnedFile(NamedTuple):
    """What the data of a run told: ``facts.json``."""

    facts: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    statistics: Mapping[str, Mapping[str, list[float]]]
    """``mean`` and ``std`` by kind of feature."""
    label_counts: Mapping[str, tuple[int, ...]]
    """Training records of each class; empty in older runs."""


def read_learned(run: Path) -> LearnedFile | None:
    """``facts.json`` of the run directory ``run``, its shape checked; ``None`` where there is none."""
    path = run / "facts.json"
    found = read_json(path)
    if found is None:
        return None
    parts = {name: _part(found, name, path) for name in ("facts", "labels", "statistics")}
    _all(parts["facts"], path, "facts", lambda n: type(n) is int and n >= 0, "a whole number")
    _all(parts["labels"], path, "labels", _texts, "a list of names")
    _all(parts["statistics"], path, "statistics", _moments, "a mean and a deviation of equal lengths")
    labels = {role: tuple(names) for role, names in parts["labels"].items()}
    counts = _part({"label_counts": {}, **found}, "label_counts", path)
    _all(counts, path, "label_counts", _counts, "a list of whole numbers, one a label")
    for role, numbers in counts.items():
        if len(numbers) != len(labels.get(role, ())):
            raise _refused(path, f"`label_counts.{role}` has not one number a label")
    by_role = {role: tuple(numbers) for role, numbers in counts.items()}
    return LearnedFile(parts["facts"], labels, parts["statistics"], by_role)


def require_labels(
    run: Path,
    labels: Mapping[str, tuple[str, ...]],
    facts: Iterable[tuple[str, int]],
    roles: Mapping[str, Type],
) -> None:
    """Raises ``RunError`` where ``facts.json`` names more or fewer classes than the model tells apart."""
    for role, type_ in roles.items():
        if not isinstance(type_, Classes):
            continue
        num = type_.num
        if isinstance(num, Unknown):
            num = dict(facts).get(num.name or f"data.source.{role}.num", 0)
        names = len(labels.get(role, ()))
        if names != num:
            raise _refused(run / "facts.json", f"it names {names} classes, and the model has {num}")


def _part(found: object, name: str, path: Path) -> dict[str, Any]:
    part = found.get(name) if isinstance(found, dict) else None
    if not isinstance(part, dict):
        raise _refused(path, f"it has no `{name}`")
    return part


def _all(part: Mapping[str, Any], path: Path, name: str, holds: Callable[[Any], bool], what: str) -> None:
    for key, value in part.items():
        if not holds(value):
            raise _refused(path, f"`{name}.{key}` is not {what}")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _moments(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"mean", "std"}:
        return False
    mean, std = value["mean"], value["std"]
    if not (isinstance(mean, list) and isinstance(std, list) and len(mean) == len(std)):
        return False
    return all(type(number) in (int, float) for number in (*mean, *std))


def _refused(path: Path, why: str, *, line: int | None = None) -> RunError:
    place = path if line is None else f"{path}:{line}"
    return RunError(f"{place} is not what a run has written: {why}", exit=Exit.STORAGE,
                    help="put the file back from a copy of the run directory")  # fmt: skip

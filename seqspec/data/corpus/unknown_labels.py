"""Labels that training has not seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from seqspec.data.corpus.near_names import difference, folded
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

MOST_SHOWN = 3
"""Labels that a message names."""


def unknown_labels(
    rows: Iterable[Record | BadRow],
    role: str,
    found: Mapping[str, int],
    names: Sequence[str],
    *,
    split: str,
    learned: bool = False,
) -> DataError:
    """The error for labels of ``found`` that training has not seen, at the first row that has one.

    ``learned``: the names are a run's, and the files of train may be others by now.
    """
    strange = sorted(set(found) - set(names), key=lambda name: (-found[name], name))
    first = next((row for row in rows if not isinstance(row, BadRow) and row[role] in strange), None)
    shown = ", ".join(_counted(name, found[name]) for name in strange[:MOST_SHOWN])
    more = f" and {len(strange) - MOST_SHOWN:,} more" if len(strange) > MOST_SHOWN else ""
    label = "the label" if len(strange) == 1 else f"{len(strange):,} labels, among them"
    verb = "never occurs" if len(strange) == 1 else "never occur"
    unseen = "which the run has not learned" if learned else f"which {verb} in train"
    return DataError(
        f"{split} has {label} {shown}{more}, {unseen}",
        file=show(first.get("file", "")) if first else "",
        row=int(str(first["row"])) if first and "row" in first else None,
        help=_near_label(strange, names)
        or "a model knows the labels of train alone: correct these rows, take "
        "them out, or have examples of each label in train",
    )


def _counted(name: str, count: int) -> str:
    return f"{show(name[:40])!r} ({count:,} row{'s' * (count != 1)})"


def _near_label(strange: Sequence[str], names: Sequence[str]) -> str:
    """The label of train that one of ``strange`` equals but for blanks, case, width or Unicode form, or as a
    number.
    """
    numbers = {number: name for name in names if (number := _number(name)) is not None}
    for name in strange:
        number = _number(name)
        if number in numbers:
            known = numbers[number]
            return (
                f"{show(name[:40])!r} is the number {show(known[:40])!r} of train: write one for both "
                "(pandas makes floats of whole numbers with gaps)"
            )
    known_by_fold = {folded(name): name for name in names}
    twin = next(
        ((name, known_by_fold[folded(name)]) for name in strange if folded(name) in known_by_fold), None
    )
    if twin is None:
        return ""
    written, known = (show(name[:40]) for name in twin)
    return f"{written!r} is {known!r} of train but for {difference(*twin)}: write one for both"


def _number(label: str) -> int | None:
    """A whole number, which may be written as a float."""
    found = re.fullmatch(r"(-?[0-9]{1,18})(\.0*)?", label.strip())
    return int(found[1]) if found else None

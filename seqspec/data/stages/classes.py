"""The names of classes in the order of their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Unknown

MOST_DIGITS = 1000
"""Of a label that is taken for a number; Python reads no more than 4,300."""


def class_names(
    seen: Mapping[str, int], *, num: int | Unknown, known: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """The classes.  Where their number is fixed, one that train lacks keeps its number all the same."""
    names = in_label_order(seen)
    if isinstance(num, Unknown):
        return names
    if known is None and all(name.isdecimal() for name in names):
        known = tuple(str(number) for number in range(num))
    if known is None and len(names) == num:
        known = names
    if known is None or not set(names) <= set(known):
        strange = next((name for name in names if name not in (known or ())), "")
        raise DataError(f"the corpus has {num} classes, and train has {len(names)}, among them {strange!r}")
    return known


def in_label_order(names: Mapping[str, int] | Sequence[str]) -> tuple[str, ...]:
    """Labels sorted; by value where all of them are whole numbers."""
    whole = all(name.removeprefix("-").isdecimal() and len(name) <= MOST_DIGITS for name in names)
    return tuple(sorted(names, key=(lambda name: (int(name), name)) if whole else (lambda name: (0, name))))

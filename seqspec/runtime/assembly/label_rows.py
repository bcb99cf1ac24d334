"""The rows of a folder's classifier in the order of our classes, by their names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqspec.schema.diagnostic import DataError
from seqspec.schema.source import Path
from seqspec.schema.types import EOS

OTHER_LABELS = "SQ407"
UNNAMED = "LABEL_"
MOST_SHOWN = 4
NEVER = -100.0
"""Offset of ids that are no class: their probability is nothing in float32."""


def by_our_labels(rows: Tensor, *, theirs: Sequence[str], ours: Sequence[str], ids: bool, at: Path) -> Tensor:
    """``rows`` of the folder's classes in the order of ours; ``ids``: ours are entries of a vocabulary, whose
    special ones are no classes.

    Raises ``DataError`` where they are not the same classes.
    """
    names = tuple(ours[EOS + 1 :]) if ids else tuple(ours)
    named = theirs != [f"{UNNAMED}{row}" for row in range(len(theirs))]
    if len(names) != len(theirs) or (named and set(names) != set(theirs)):
        raise _other(names, theirs, at)
    order = [theirs.index(name) for name in names] if named else list(range(len(names)))
    found = rows[torch.tensor(order)]
    if not ids:
        return found
    none = rows.new_full((EOS + 1,), NEVER) if rows.dim() == 1 else rows.new_zeros(EOS + 1, rows.shape[1])
    return torch.cat([none, found])


def _other(ours: Sequence[str], theirs: Sequence[str], at: Path) -> DataError:
    sides = (
        ("the folder lacks", [name for name in ours if name not in theirs]),
        ("the corpus lacks", [name for name in theirs if name not in ours]),
    )
    told = "; ".join(f"{who} {_listed(names)}" for who, names in sides if names)
    return DataError(
        f"the classes of the folder are not the corpus's: {len(theirs)} there and {len(ours)} here; {told}",
        help="write the labels of the corpus as the folder's `id2label` does, with each in train, or use "
        "head `linear`, which begins anew",
        code=OTHER_LABELS,
        at=at,
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name[:40]}`" for name in names[:MOST_SHOWN])
    return shown + (f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else "")

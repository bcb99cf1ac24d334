"""``seqspec diff A B``: compile both sides and compare, spec by spec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqspec.compile.diff.consequences import consequences
from seqspec.compile.diff.diff_text import Difference, place
from seqspec.compile.diff.plan_diff import diff
from seqspec.compile.diff.revisions import Side, opened
from seqspec.compile.plan.plan import Compiled
from seqspec.compile.resolve.resolve import Overlay


def differences(
    a: str, b: str, *, overlays: Sequence[Overlay] = (), parameters: bool = False
) -> tuple[Difference, ...]:
    """One difference a spec; of two folders, specs are matched by name.

    ``parameters`` counts those of the built models, which loads torch; without it they are counted where
    arithmetic can tell.  Raises ``NotFound`` and ``SpecError``.
    """
    with opened(a) as left, opened(b) as right:
        if ("" in left.files) != ("" in right.files):
            left, right = _matching(left, right), _matching(right, left)
        names = [*left.files, *(name for name in right.files if name not in left.files)]
        return tuple(_difference(name, left, right, overlays, parameters) for name in names)


def _matching(side: Side, other: Side) -> Side:
    """Of a folder compared with one file: the folder's file of that name."""
    if "" in side.files:
        return side
    name = other.files[""].name
    found = [file for file in side.files.values() if file.name == name]
    return side._replace(files={"": found[0]} if len(found) == 1 else side.files)


def _difference(
    name: str, left: Side, right: Side, overlays: Sequence[Overlay], parameters: bool
) -> Difference:
    titles = [f"{side.title}/{name}" if name else side.title for side in (left, right)]
    if name not in left.files or name not in right.files:
        return Difference(name, titles[0], titles[1], (), (), (), "a" if name in left.files else "b")
    old, new = (_compile(side.files[name], overlays) for side in (left, right))
    changes = diff(old.plan, new.plan)
    count = _built if parameters else _counted
    counts = (count(old), count(new))
    places = tuple(
        (
            left.display(place(old.tree, change.old_path, change.old_origin)),
            right.display(place(new.tree, change.new_path, change.new_origin)),
        )
        for change in changes
    )
    follows = consequences(old.plan, new.plan, parameters=counts)
    return Difference(name, titles[0], titles[1], changes, follows, places)


def _compile(file: Path, overlays: Sequence[Overlay]) -> Compiled:
    from seqspec.compile.pipeline import compile

    return compile(file, overlays=overlays)


def _built(compiled: Compiled) -> int | None:
    from seqspec.compile.cost.parameter_table import count

    return count(compiled)


def _counted(compiled: Compiled) -> int | None:
    from seqspec.compile.cost.parameter_count import counted

    return counted(compiled.plan)

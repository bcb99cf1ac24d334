"""``seqspec diff A B``: compile both sides and compare, spec by spec."""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.compile.diagnostics.report import render
from seqspec.compile.diff.consequences import consequences
from seqspec.compile.diff.diff_text import Difference, place
from seqspec.compile.diff.initial_digests import initial_consequences
from seqspec.compile.diff.plan_diff import diff
from seqspec.compile.diff.revisions import Side, opened
from seqspec.compile.plan.plan import Compiled
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import Source, Span


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
    sides = [_compiled(side, name, overlays) for side in (left, right)]
    wrong = [d for side in sides if not isinstance(side, Compiled) for d in side]
    if wrong and not name:
        raise SpecError(wrong)
    if wrong:
        lines = tuple(render(wrong, format="concise").splitlines())
        return Difference(name, titles[0], titles[1], (), (), (), invalid=lines)
    old, new = (side for side in sides if isinstance(side, Compiled))
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
    follows = (
        *consequences(old.plan, new.plan, parameters=counts),
        *initial_consequences((old.plan, left.files[name]), (new.plan, right.files[name])),
    )
    return Difference(name, titles[0], titles[1], changes, follows, places)


def _compiled(side: Side, name: str, overlays: Sequence[Overlay]) -> Compiled | tuple[Diagnostic, ...]:
    """One side, or what is wrong with it, in the words in which the person named it."""
    from seqspec.compile.pipeline import compile

    try:
        return compile(side.files[name], overlays=overlays)
    except SpecError as error:
        return tuple(_displayed(d, side) for d in error.diagnostics if d.severity == "error")


def _displayed(d: Diagnostic, side: Side) -> Diagnostic:
    labels = tuple(label._replace(span=_place(label.span, side)) for label in d.labels)
    span = None if d.span is None else _place(d.span, side)
    return d._replace(message=side.display(d.message), span=span, labels=labels)


def _place(span: Span, side: Side) -> Span:
    return span._replace(source=Source(side.display(span.source.name), span.source.text))


def _built(compiled: Compiled) -> int | None:
    from seqspec.compile.cost.parameter_table import count

    return count(compiled)


def _counted(compiled: Compiled) -> int | None:
    from seqspec.compile.cost.parameter_count import counted

    return counted(compiled.plan)

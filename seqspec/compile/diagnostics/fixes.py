"""Fixes: edits of a text by offsets, so that comments and layout survive.

A round applies every fix whose edits do not overlap; then the new text is read again, until nothing is left
to change or a round would leave more mistakes than it found.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from seqspec.schema.diagnostic import Diagnostic, Edit
from seqspec.schema.source import Source

MOST_ROUNDS = 10


class Fixed(NamedTuple):
    """A text after its fixes."""

    text: str
    applied: tuple[str, ...]
    """The titles of the fixes, in the order that they were made."""
    left: tuple[Diagnostic, ...]
    """What is still wrong."""


def apply_fixes(source: Source, find: Callable[[Source], Sequence[Diagnostic]], *, unsafe: bool) -> Fixed:
    """Apply fixes until none is left.  ``find`` reads a text and tells what is wrong with it."""
    found = tuple(find(source))
    applied: tuple[str, ...] = ()
    for _ in range(MOST_ROUNDS):
        chosen = choose(found, source, unsafe=unsafe)
        if not chosen:
            break
        edits = [edit for d in chosen if d.fix for edit in d.fix.edits]
        better = Source(source.name, edited(source.text, edits))
        after = tuple(find(better))
        if better.text == source.text or _errors(after) > _errors(found):
            break
        source, found = better, after
        applied += tuple(d.fix.title for d in chosen if d.fix)
    return Fixed(source.text, applied, found)


def choose(diagnostics: Iterable[Diagnostic], source: Source, *, unsafe: bool) -> list[Diagnostic]:
    """The diagnostics whose fixes change only ``source`` and do not overlap, first come first served."""
    taken: list[tuple[int, int]] = []
    chosen = []
    for d in diagnostics:
        if d.fix is None or not (d.fix.safe or unsafe):
            continue
        spans = [(edit.span.start, edit.span.end) for edit in d.fix.edits]
        mine = all(edit.span.source.name == source.name for edit in d.fix.edits)
        if mine and not any(start < end_ and start_ < end for start, end in spans for start_, end_ in taken):
            taken += spans
            chosen.append(d)
    return chosen


def edited(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with each edit made; the edits do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def unified(name: str, before: str, after: str) -> str:
    """The change as a unified diff that ``patch -p1`` takes."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        fromfile=f"a/{name}",
        tofile=f"b/{name}",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _errors(diagnostics: Iterable[Diagnostic]) -> int:
    return sum(d.severity == "error" for d in diagnostics)

"""D16 examples step by step: raw → normalised → pieces → ids → decoded; the shortest, the longest, the least
known.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqspec.data.inspect.finding import Cell, Figure, Finding, Table
from seqspec.data.inspect.media import galleries
from seqspec.data.inspect.subject import Subject
from seqspec.data.seeds import seed_of
from seqspec.schema.types import UNK, Clip, Floats, Frames, Integers, Scalar, Vector, in_order

RANDOM, EXTREME = 10, 5
WIDEST = 300
MOST_NUMBERS = 12
SHOWN = (Scalar, Integers, Floats, Vector, Frames)
"""Types whose values are shown as numbers, but for films, which are seen."""


def check(subject: Subject) -> Iterator[Finding]:
    """Tables for people to read."""
    train = subject.train
    rng = np.random.default_rng(seed_of(subject.parts.seed, "inspect"))
    chosen = rng.choice(len(train), min(RANDOM, len(train)), replace=False).tolist()
    figures: list[Figure] = [
        Table(f"Random {role} of train", HEAD, [_steps(subject, role, i) for i in chosen])
        for role in subject.text_roles
    ]
    figures += list(_extremes(subject))
    if subject.label_roles:
        rows = [(train.id(i), *(train.text(role, i) for role in subject.label_roles)) for i in chosen]
        figures.append(Table("Random labels", ("id", *subject.label_roles), rows))
    others = [
        role for role, kind in subject.roles.items() if isinstance(kind, SHOWN) and not isinstance(kind, Clip)
    ]
    if others:
        rows = [(train.id(i), *(_numbers(train.value(role, i)) for role in others)) for i in chosen]
        figures.append(Table("Random values", ("id", *others), rows))
    figures += galleries(subject, chosen)
    told = f"{len(chosen)} random examples of train and its extremes are shown step by step on the page"
    yield Finding("D16", "ok", told, figures=figures)


HEAD = ("id", "raw", "normalised", "pieces", "ids", "decoded")


def _steps(subject: Subject, role: str, index: int) -> tuple[Cell, ...]:
    steps, train = subject.steps(role), subject.train
    raw = train.text(role, index)
    ids = [int(token) for token in np.asarray(train.value(role, index))]
    shown = (
        raw,
        steps.normalize(raw),
        " ".join(steps.tokenizer.pieces(ids)),
        " ".join(map(str, ids)),
        steps.decode(ids),
    )
    return (train.id(index), *(text if len(text) <= WIDEST else text[:WIDEST] + " …" for text in shown))


def _numbers(value: object) -> str:
    """The first numbers of a value."""
    flat = np.asarray(value).reshape(-1)
    shown = " ".join(f"{number:g}" for number in flat[:MOST_NUMBERS].tolist())
    return shown if len(flat) <= MOST_NUMBERS else f"{shown} …"


def _extremes(subject: Subject) -> Iterator[Table]:
    for role in in_order(subject.text_roles):
        lengths = np.asarray(subject.train.lengths_of(role))
        by_length = np.argsort(lengths, kind="stable")
        for name, chosen in (("Shortest", by_length[:EXTREME]), ("Longest", by_length[::-1][:EXTREME])):
            yield Table(f"{name} {role} of train", HEAD, [_steps(subject, role, i) for i in chosen.tolist()])
        unknown = _unknowns(subject, role)
        if unknown:
            rows = [_steps(subject, role, i) for i in unknown]
            yield Table(f"{role.capitalize()} of train with the most unknown ids", HEAD, rows)


def _unknowns(subject: Subject, role: str) -> list[int]:
    train = subject.train
    counts = [
        (int((np.asarray(train.value(role, i)) == UNK).sum()), i) for i in range(min(len(train), 20_000))
    ]
    return [index for count, index in sorted(counts, reverse=True)[:EXTREME] if count]

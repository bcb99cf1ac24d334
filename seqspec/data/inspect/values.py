"""D15 targets that say nothing: constant, or copied from the source; features that never change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqspec.data.inspect.finding import Finding
from seqspec.data.inspect.subject import Subject

MOST_READ = 500


def check(subject: Subject) -> Iterator[Finding]:
    """Copies and constants in train."""
    notes, numbers, examples = [], {}, []
    train = subject.train
    if {"source", "target"} <= set(subject.text_roles):
        copied = np.flatnonzero(subject.hashes(train, "source") == subject.hashes(train, "target"))
        numbers["copied"] = len(copied)
        if len(copied):
            notes.append(
                f"{len(copied):,} targets are their source, word for word ({len(copied) / len(train):.2%})"
            )
            examples = [train.text("target", index)[:80] for index in copied[:5].tolist()]
    if "target" in subject.roles and len(train) > 1 and len(np.unique(subject.hashes(train, "target"))) == 1:
        notes.append("every target is the same")
        numbers["constant"] = 1
    for role in subject.audio_roles:
        still = _still(subject, role)
        numbers["constant_features"] = len(still)
        if still:
            notes.append(f"{len(still)} features never change, the first of them number {still[0]}")
    grave = (
        "constant" in numbers
        or numbers.get("constant_features")
        or numbers.get("copied", 0) > 0.01 * len(train)
    )
    yield Finding(
        "D15",
        "warn" if grave else "info" if notes else "ok",
        "; ".join(notes) or "no target is constant or a copy of its source",
        "a model learns nothing from these; fewer filters, or another corpus, may be meant" if grave else "",
        numbers=numbers,
        examples=examples,
    )


def _still(subject: Subject, role: str) -> list[int]:
    """Features that are the same in every frame of some utterances."""
    train = subject.train
    low, high = None, None
    for index in range(min(len(train), MOST_READ)):
        frames = train.raw_frames(role, int(train.rows[index]))
        if not len(frames):
            continue
        low = frames.min(axis=0) if low is None else np.minimum(low, frames.min(axis=0))
        high = frames.max(axis=0) if high is None else np.maximum(high, frames.max(axis=0))
    return [] if low is None or high is None else np.flatnonzero(high - low < 1e-9).tolist()

"""D08 how often each label occurs, and what knowing nothing else would score."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from seqspec.data.inspect.finding import Bars, Finding
from seqspec.data.inspect.subject import Subject

SHOWN = 40


def check(subject: Subject) -> Iterator[Finding]:
    """Balance, entropy and the baseline of the commonest label."""
    for role in subject.label_roles:
        counts = {name: Counter(subject.texts(split, role)) for name, split in subject.splits.items()}
        train = counts["train"]
        total = sum(train.values())
        entropy = -sum(n / total * math.log2(n / total) for n in train.values())
        label, most = train.most_common(1)[0]
        unseen = {
            name: sorted(set(train) - set(held)) for name, held in counts.items() if set(train) - set(held)
        }
        rare = [name for name, n in train.items() if n < 10]
        numbers = {
            "labels": len(train),
            "entropy_bits": round(entropy, 4),
            "highest_entropy_bits": round(math.log2(len(train)), 4),
            "commonest_share": round(most / total, 4),
        }
        skewed = most / total > 2 / len(train) and len(train) > 1
        message = (
            f"{len(train):,} labels of {role}; always saying {label!r} is right in {most / total:.1%} "
            f"of train; entropy {entropy:.2f} of {math.log2(len(train)):.2f} bits"
        )
        notes = [f"{len(rare):,} labels occur fewer than ten times in train"] if rare else []
        notes += [
            f"{name} lacks {len(held)} labels, such as {held[0]!r}"
            for name, held in unseen.items()
            if len(held)
        ]
        yield Finding(
            "D08",
            "warn" if skewed or rare else "ok",
            "; ".join([message, *notes]),
            "report `f1` (average: macro) beside the overall one, or cut splits by label"
            if skewed or rare
            else "",
            numbers=numbers,
            figures=[Bars(f"Labels of {role} in train", dict(train.most_common(SHOWN)))],
        )

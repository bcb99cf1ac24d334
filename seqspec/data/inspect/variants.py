"""D02 texts with a writer's quotes, D06 equal texts with other labels, D08 variants of labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from seqspec.data.corpus.near_names import folded
from seqspec.data.inspect.finding import Finding
from seqspec.data.inspect.subject import Subject
from seqspec.data.stages.examples import Split

QUOTED_SHARE = 0.5
"""Share of texts with quotes around them that no usual text has."""
SHOWN = 5
_ZEROS = re.compile(r"(?<=[0-9])\.0+\Z")
"""What a table's writer puts behind a whole number that it took for a float."""


def check(subject: Subject) -> Iterator[Finding]:
    """Quotes, contradictions, variants of labels, in train."""
    for role in (*subject.text_roles, *subject.label_roles):
        yield from _quoted(subject, role)
    for role in subject.label_roles:
        yield from _variants(subject, role)
        for source in subject.text_roles:
            yield from _contradictions(subject, source, role)


def _quoted(subject: Subject, role: str) -> Iterator[Finding]:
    texts = list(subject.texts(subject.train, role))
    around = [t for t in texts if len(t) > 2 and t[0] == t[-1] == '"']
    doubled = [t for t in around if '""' in t[1:-1]]
    if not texts or len(around) < QUOTED_SHARE * len(texts):
        return
    more = f", and {len(doubled):,} have doubled quotes inside" if doubled else ""
    yield Finding(
        "D02",
        "warn",
        f"{len(around):,} of {len(texts):,} values of {role} in train begin and end with a quote{more}: they "
        "were quoted by a writer of CSV, and are learned with the quotes",
        'in a TSV quotes mean nothing: read the file by `{type: csv, delimiter: "\\t"}`',
        numbers={"quoted": len(around), "doubled": len(doubled)},
        examples=[text[:80] for text in (doubled or around)[:SHOWN]],
    )


def _variants(subject: Subject, role: str) -> Iterator[Finding]:
    groups: dict[str, set[str]] = defaultdict(set)
    for split in subject.splits.values():
        for label in subject.texts(split, role):
            groups[_ZEROS.sub("", folded(label))].add(label)
    twins = [sorted(group) for group in groups.values() if len(group) > 1]
    if twins:
        shown = " and ".join(repr(label) for label in twins[0][:3])
        yield Finding(
            "D08",
            "warn",
            f"{len(twins):,} classes of {role} are several that differ only by blanks, case, width, "
            f"Unicode form or a `.0`, such as {shown}",
            "write each class in one way in the corpus",
            numbers={"variants": len(twins)},
            examples=[", ".join(repr(label) for label in group) for group in twins[:SHOWN]],
        )


def _contradictions(subject: Subject, source: str, role: str) -> Iterator[Finding]:
    held: dict[str, set[str]] = defaultdict(set)
    train = subject.train
    for text, label in zip(subject.texts(train, source), subject.texts(train, role), strict=True):
        held[text].add(label)
    against = [(text, sorted(labels)) for text, labels in held.items() if len(labels) > 1]
    if against:
        yield Finding(
            "D06",
            "warn",
            f"{len(against):,} texts of {source} in train stand there with different labels",
            "decide for one label of each, or take them out: a model can only be right about one of them",
            numbers={"contradictions": len(against)},
            examples=[f"{text[:60]}: {', '.join(labels)[:60]}" for text, labels in against[:SHOWN]],
        )
    for name, split in subject.splits.items():
        if split is not train:
            yield from _against_train(subject, name, split, source, role, held)


def _against_train(
    subject: Subject, name: str, split: Split, source: str, role: str, held: Mapping[str, set[str]]
) -> Iterator[Finding]:
    pairs = zip(subject.texts(split, source), subject.texts(split, role), strict=True)
    against = [(text, label) for text, label in pairs if text in held and label not in held[text]]
    if against:
        yield Finding(
            "D06",
            "warn",
            f"{len(against):,} texts of {source} in {name} stand in train with other labels",
            "decide for one label of each: what train teaches of them is counted as wrong",
            numbers={"contradictions": len(against)},
            examples=[
                f"{text[:60]}: {label[:30]}, in train {', '.join(sorted(held[text]))[:30]}"
                for text, label in against[:SHOWN]
            ],
        )

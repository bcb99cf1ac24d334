"""D05 sizes of splits, D06 repetitions within a split, D07 what train and an evaluation share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import numpy as np

from seqspec.data.inspect.finding import Finding, Table, Verdict
from seqspec.data.inspect.near_copies import near_copies
from seqspec.data.inspect.subject import Subject
from seqspec.data.seeds import hash64
from seqspec.data.stages.examples import Split

FEW = 100
PUNCTUATION = re.compile(r"[\W_]+")


def check(subject: Subject) -> Iterator[Finding]:
    """Sizes, repetitions, leaks."""
    yield _sizes(subject)
    yield _repetitions(subject)
    others = {name: split for name, split in subject.splits.items() if name != "train"}
    if others:
        yield _leaks(subject, others)
        if subject.text_roles:
            yield from _near(subject, others)
        yield from _speakers(subject, others)


def _sizes(subject: Subject) -> Finding:
    sizes = {name: len(split) for name, split in subject.splits.items()}
    if subject.train.records.state.get("joined"):
        ids = {name: int(split.lengths_of("target").sum()) for name, split in subject.splits.items()}
        told = ", ".join(f"{name} {count:,}" for name, count in ids.items())
        return Finding("D05", "ok", f"one running text; ids: {told}", numbers=ids)
    small = [f"{name} ({size})" for name, size in sizes.items() if size < FEW and name != "train"]
    expected = subject.parts.config.expect
    stated = "as `data.expect` says" if expected else "`data.expect` does not say how many there should be"
    told = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    if small:
        return Finding(
            "D05",
            "warn",
            f"{' and '.join(small)}: so few examples that chance alone moves a metric by a point or more",
            "evaluate on more examples, or over several seeds",
            numbers=sizes,
        )
    return Finding("D05", "ok", f"{told}; {stated}", numbers=sizes)


def joint(subject: Subject, split: Split) -> np.ndarray:
    """A fingerprint of all roles of each example together."""
    found = np.zeros(len(split), np.uint64)
    for role in subject.roles:
        found = found * np.uint64(0x9E3779B97F4A7C15) + subject.hashes(split, role)
    return found


def _repetitions(subject: Subject) -> Finding:
    rows, numbers, examples = [], {}, []
    for name, split in subject.splits.items():
        sides = {
            role: subject.hashes(split, role) for role in subject.roles if role not in subject.value_roles
        }
        if len(sides) > 1:
            sides = {"pairs": joint(subject, split), **sides}
        for side, hashes in sides.items():
            distinct, first, counts = np.unique(hashes, return_index=True, return_counts=True)
            repeated = len(hashes) - len(distinct)
            numbers[f"{name} {side}"] = repeated
            rows.append((name, side, len(hashes), repeated))
            if repeated and name == "train" and side in subject.text_roles:
                most = int(counts.argmax())
                text = split.text(side, int(first[most]))
                examples.append(f"{side}, {int(counts[most])} times: {text[:80]}")
    table = Table("Repetitions", ("split", "of", "examples", "stood before"), rows)
    held = {key: count for key, count in numbers.items() if count and key.startswith("train")}
    if not held:
        return Finding("D06", "ok", "no training example stood before", numbers=numbers, figures=[table])
    told = "; ".join(f"{count:,} duplicate {_several(key.split(' ', 1)[1])}" for key, count in held.items())
    share = max(held.values()) / len(subject.train)
    return Finding(
        "D06",
        "warn" if (share > 0.01 and not subject.audio_roles) or held.get("train pairs") else "info",
        f"train has {told}",
        "where whole examples repeat, `data.filter.duplicates: drop` takes them out",
        numbers=numbers,
        examples=examples,
        figures=[table],
    )


def _leaks(subject: Subject, others: dict[str, Split]) -> Finding:
    rows, numbers, examples, worst = [], {}, [], 0.0
    for name, split in others.items():
        for side, mine, theirs in _sides(subject, split):
            inside = np.isin(mine, theirs)
            count = int(inside.sum())
            numbers[f"{name} {side}"] = count
            rows.append((name, side, len(mine), count, f"{count / len(mine):.1%}"))
            if side not in subject.label_roles:
                worst = max(worst, count / len(mine))
            if count and side in subject.text_roles:
                shown = np.flatnonzero(inside)[:3].tolist()
                examples += [f"{name} {side}: {split.text(side, index)[:80]}" for index in shown]
    table = Table("Also in train, word for word", ("split", "of", "examples", "in train", "share"), rows)
    leaked = {key: count for key, count in numbers.items() if count}
    if not leaked:
        return Finding(
            "D07", "ok", "nothing that is evaluated on stands in train", numbers=numbers, figures=[table]
        )
    sizes = {name: len(split) for name, split in others.items()}
    told = "; ".join(
        f"{count:,} of {sizes[name]:,} {_several(side)} of {name} stand in train word for word"
        for key, count in leaked.items()
        for name, side in [key.split(" ")]
    )
    whole = any(count for key, count in leaked.items() if key.endswith((" pairs", " ids")))
    return Finding(
        "D07",
        _gravity(subject, whole and worst > 0.01),
        told,
        "scores on these examples measure memory: take them out of train, or report it without them too",
        numbers=numbers,
        examples=examples,
        figures=[table],
    )


def _gravity(subject: Subject, whole: bool) -> Verdict:
    """Transcripts that recur are no leak: in speech only the recordings matter."""
    return "error" if whole else "info" if subject.audio_roles else "warn"


def _several(side: str) -> str:
    return side if side.endswith("s") else f"{side}s"


def _sides(subject: Subject, split: Split) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    train = subject.train
    same = split.records.folder == train.records.folder
    ids = [np.asarray(one.records.values("id_hash"))[np.asarray(one.rows)] for one in (split, train)]
    if same:
        yield "ids", ids[0], ids[1]
    roles = [role for role in subject.roles if role not in subject.value_roles]
    if len(roles) > 1:
        yield "pairs", joint(subject, split), joint(subject, train)
    for role in roles:
        yield role, subject.hashes(split, role), subject.hashes(train, role)


def plain(text: str) -> str:
    """A text without what an editor may change: forms, case, punctuation, spaces."""
    return PUNCTUATION.sub("", unicodedata.normalize("NFKC", text).casefold())


def _near(subject: Subject, others: dict[str, Split]) -> Iterator[Finding]:
    """Copies that only differ in writing, and near copies."""
    numbers: dict[str, int] = {}
    examples: list[str] = []
    for role in subject.text_roles:
        known = {
            hash64(plain(text).encode("utf-8", "surrogatepass"))
            for text in subject.texts(subject.train, role)
        }
        exact = set(subject.hashes(subject.train, role).tolist())
        train = list(subject.texts(subject.train, role))
        for name, split in others.items():
            fresh = [
                (index, text)
                for (index, text), own in zip(
                    enumerate(subject.texts(split, role)), subject.hashes(split, role).tolist(), strict=False
                )
                if own not in exact
            ]
            alike = [
                i for i, t in fresh if hash64(plain(t).encode("utf-8", "surrogatepass")) in known and plain(t)
            ]
            near = near_copies(train, [text for index, text in fresh if index not in set(alike)])
            numbers[f"{role}s of {name} but for writing"] = len(alike)
            numbers[f"near copies among the {role}s of {name}"] = len(near)
            examples += [f"{name} {role}: {split.text(role, index)[:80]}" for index in alike[:2]]
            examples += [f"{name} {role}: {mine[:60]} ≈ {theirs[:60]}" for mine, theirs in near[:2]]
    if any(numbers.values()):
        told = "; ".join(f"{count:,} {key}" for key, count in numbers.items() if count)
        yield Finding(
            "D07",
            "info",
            f"further texts stand in train all but word for word: {told}",
            "look whether they make the evaluation easier than it should be",
            numbers=numbers,
            examples=examples,
        )


def _speakers(subject: Subject, others: dict[str, Split]) -> Iterator[Finding]:
    if "speaker" not in subject.train.records:
        return
    speakers = {name: _names(split) for name, split in subject.splits.items()}
    shared = {name: len(speakers[name] & speakers["train"]) for name in others if name in speakers}
    if not any(shared.values()):
        yield Finding("D07", "ok", "no speaker is both trained on and evaluated on", numbers=shared)
        return
    told = ", ".join(f"{count} of {len(speakers[name])} in {name}" for name, count in shared.items() if count)
    yield Finding(
        "D07",
        "info",
        f"speakers of train are evaluated on as well: {told}",
        "say so beside the metric, or cut by speaker: `data.split: {by: speaker, …}`",
        numbers=shared,
    )


def _names(split: Split) -> set[str]:
    return {split.records.text("speaker", int(row)) for row in split.rows}

"""D11 how well the tokenizers fit: what comes back, what is unknown, how many ids a character takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from seqspec.data.inspect.finding import Cell, Finding, Number, Table, Verdict
from seqspec.data.inspect.subject import Subject
from seqspec.data.stages.examples import Split
from seqspec.schema.types import UNK

SPECIAL = ("<s>", "</s>", "<pad>", "<unk>", "[MASK]", "[CLS]", "[SEP]", "▁", "␣", "<blank>")
MOST_READ = 20_000
UNKNOWN = 0.005


def check(subject: Subject) -> Iterator[Finding]:
    """One finding a text role."""
    for role in subject.text_roles:
        yield _role(subject, role)


def _role(subject: Subject, role: str) -> Finding:
    rows: list[tuple[Cell, ...]] = []
    numbers: dict[str, Cell] = {}
    examples: list[str] = []
    unknown = 0.0
    for name, split in subject.splits.items():
        measured = _measure(subject, split, role, examples if name == "train" else [])
        rows.append((name, *(round(value, 4) for value in measured.values())))
        numbers |= {f"{name} {key}": round(value, 5) for key, value in measured.items()}
        unknown = max(unknown, measured["unknown"])
    used, size = _coverage(subject, role)
    numbers |= {"vocab_size": size, "ids_used_in_train": used}
    strange = _collisions(subject, role)
    exact, normal = float(numbers["train exact"]), float(numbers["train as_normalised"])
    head = ("split", "exact", "as normalised", "unknown", "bytes", "ids a character", "ids a word")
    notes = [f"{exact:.1%} of the training {role} comes back exactly, {normal:.1%} as normalised"]
    notes.append(f"unknown ids at most {unknown:.2%}; {used:,} of {size:,} ids occur in train")
    notes += [
        f"{count:,} texts hold {symbol!r}, which means something to tokenizers"
        for symbol, count in strange.items()
    ]
    lossy = normal < 0.999 and unknown < UNKNOWN
    verdict: Verdict = "warn" if unknown > UNKNOWN or lossy or strange else "ok"
    advice = "byte fallback, or a tokenizer on bytes, leaves nothing unknown" if verdict == "warn" else ""
    return Finding(
        "D11",
        verdict,
        f"{role}: {'; '.join(notes)}",
        advice,
        numbers=numbers,
        examples=examples,
        figures=[Table(f"Tokens of {role}", head, rows)],
    )


def _measure(subject: Subject, split: Split, role: str, examples: list[str]) -> dict[str, float]:
    steps = subject.steps(role)
    texts = [split.text(role, index) for index in range(min(len(split), MOST_READ, subject.limit))]
    trip = steps.round_trip(texts)
    examples += [f"{raw[:60]} → {back[:60]}" for raw, back in trip.examples[:3]]
    characters = sum(map(len, texts))
    words = sum(len(text.split()) for text in texts)
    return {
        "exact": trip.exact / max(trip.lines, 1),
        "as_normalised": trip.normalized / max(trip.lines, 1),
        "unknown": trip.unknown / max(trip.tokens, 1),
        "bytes": trip.fallback / max(trip.tokens, 1),
        "ids_a_character": trip.tokens / max(characters, 1),
        "ids_a_word": trip.tokens / max(words, 1),
    }


def _coverage(subject: Subject, role: str) -> tuple[int, int]:
    size = int(subject.steps(role).vocab_size)
    used = np.zeros(size, bool)
    ids = subject.train.ids[role].values("ids")
    for start in range(0, len(ids), 10_000_000):
        used[np.asarray(ids[start : start + 10_000_000])] = True
    used[: UNK + 1] = False
    return int(used.sum()), size


def _collisions(subject: Subject, role: str) -> dict[str, Number]:
    counts: Counter[str] = Counter()
    for text in subject.texts(subject.train, role):
        for symbol in SPECIAL:
            if symbol in text:
                counts[symbol] += 1
    return dict(counts)

"""D02 characters that should not be there, D03 rows with an empty side, D04 values of the wrong kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from seqspec.data.inspect.finding import Finding, Table
from seqspec.data.inspect.subject import Subject

PATTERNS = {
    "byte order mark": "\ufeff",
    "NUL": "\0",
    "replacement character U+FFFD": "\ufffd",
    "control character": "[\x01-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f]",
    "carriage return": "\r",
    "line or paragraph separator (U+2028, U+2029, U+0085, U+000B, U+000C)": "[\u2028\u2029\x85\x0b\x0c]",
    "lone surrogate": "[\ud800-\udfff]",
    "zero-width or direction mark": "[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069]",
    "private use character": "[\ue000-\uf8ff]",
    "white space at an end": r"\A\s|\s\Z",
    "two spaces in a row": "  ",
    "HTML entity or tag": r"&(?:amp|lt|gt|quot|#\d+);|</?(?:b|i|p|br|div|span)\b",
}
GRAVE = ("NUL", "replacement character U+FFFD", "lone surrogate", "byte order mark")
ANY = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS.values()))
EACH = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}


def check(subject: Subject) -> Iterator[Finding]:
    """Characters, empty sides, kinds of values."""
    if subject.text_roles:
        yield _characters(subject)
    yield _rows(subject)
    yield _kinds(subject)


def _characters(subject: Subject) -> Finding:
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[str, str] = {}
    for name, split in subject.splits.items():
        for role in subject.text_roles:
            for index, text in enumerate(subject.texts(split, role)):
                if ANY.search(text):
                    _count(text, name, role, split.id(index), counts, examples)
    if not counts:
        return Finding("D02", "ok", "texts are clean UTF-8 without control characters, marks or stray spaces")
    grave = any(kind in GRAVE for _, _, kind in counts)
    worst = max(counts.items(), key=lambda item: (item[0][2] in GRAVE, item[1]))
    (name, role, kind), count = worst
    return Finding(
        "D02",
        "warn" if grave else "info",
        f"{sum(counts.values()):,} texts hold something unusual, most of all "
        f"{name} {role}: {count:,} with {kind}",
        "the normaliser `strip_control` or `whitespace` takes most of these away, where they should not be",
        numbers={f"{split} {role}: {kind}": count for (split, role, kind), count in sorted(counts.items())},
        examples=[f"{kind}: {example}" for kind, example in examples.items()],
    )


def _count(
    text: str,
    split: str,
    role: str,
    id: str,
    counts: Counter[tuple[str, str, str]],
    examples: dict[str, str],
) -> None:
    for kind, pattern in EACH.items():
        if pattern.search(text):
            counts[split, role, kind] += 1
            examples.setdefault(kind, f"{id}: {text[:80]!r}")


def _rows(subject: Subject) -> Finding:
    rows = [
        (name, split.records.rows, len(split), sum(subject.prepared.dropped[name].values()))
        for name, split in subject.splits.items()
    ]
    reasons = {
        f"{name}: {reason}": count
        for name, dropped in subject.prepared.dropped.items()
        for reason, count in dropped.items()
    }
    table = Table("Rows", ("split", "rows read", "examples", "left out"), rows)
    if not reasons:
        return Finding("D03", "ok", "every row of every split is used", figures=[table])
    return Finding(
        "D03",
        "info",
        f"{sum(reasons.values()):,} rows were left out by `on_error` and `filter`, counted by reason",
        numbers=reasons,
        figures=[table],
    )


def _kinds(subject: Subject) -> Finding:
    """Numbers in text that look like a table's missing values."""
    blanks = Counter(
        text
        for split in subject.splits.values()
        for role in [*subject.text_roles, *subject.label_roles]
        for text in subject.texts(split, role)
        if text.strip().lower() in {"nan", "null", "none", "n/a", "na", "#n/a", "nil", "<na>", "-"}
    )
    if not blanks:
        return Finding("D04", "ok", "no value reads like a table's missing one")
    word, count = blanks.most_common(1)[0]
    return Finding(
        "D04",
        "info",
        f"{sum(blanks.values()):,} values read like a table's missing one, most often {word!r} ({count:,})",
        "look whether a program wrote them; as words they are legitimate",
        numbers=dict(blanks),
    )

"""D12 how Japanese is written: widths, normalisation forms, scripts, and whether train and the rest agree."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from seqspec.data.inspect.finding import Bars, Cell, Finding, Table
from seqspec.data.inspect.subject import Subject
from seqspec.data.stages.examples import Split

FEATURES = {
    "full-width digits": re.compile("[０-９]"),
    "half-width digits": re.compile("[0-9]"),
    "full-width letters": re.compile("[Ａ-Ｚａ-ｚ]"),
    "half-width letters": re.compile("[A-Za-z]"),
    "half-width katakana": re.compile("[ｦ-ﾟ]"),
    "ideographic space": re.compile("\u3000"),
    "spaces between Japanese": re.compile("[ぁ-ゖァ-ヺ一-鿿][ \u3000][ぁ-ゖァ-ヺ一-鿿]"),
    "wave dash 〜": re.compile("\u301c"),
    "full-width tilde ～": re.compile("\uff5e"),
    "decomposed marks (not NFC)": re.compile("[\u3099\u309a]"),
    "compatibility ideographs": re.compile("[\uf900-\ufaff]"),
    "characters beyond the BMP": re.compile("[\U00010000-\U0010ffff]"),
}
SCRIPTS = {
    "hiragana": re.compile("[ぁ-ゖ]"),
    "katakana": re.compile("[ァ-ヺー]"),
    "kanji": re.compile("[一-鿿㐀-䶿々]"),
    "latin": re.compile("[A-Za-zＡ-Ｚａ-ｚ]"),
    "digits": re.compile("[0-9０-９]"),
}
PAIRS = (
    ("full-width digits", "half-width digits"),
    ("full-width letters", "half-width letters"),
    ("wave dash 〜", "full-width tilde ～"),
)

ODD = ("half-width katakana", "decomposed marks (not NFC)")
"""What is told wherever it is met."""


def check(subject: Subject) -> Iterator[Finding]:
    """One finding a Japanese role."""
    for role in subject.text_roles:
        if subject.language(role).split("-")[0] == "ja":
            yield _role(subject, role)


def _role(subject: Subject, role: str) -> Finding:
    counts = {name: _features(subject, split, role) for name, split in subject.splits.items()}
    rows: list[tuple[Cell, ...]] = [
        (feature, *(counts[name][feature] for name in counts))
        for feature in [*FEATURES, "not NFC", "not NFKC"]
    ]
    train = counts["train"]
    notes = [_mix(train, one, other) for one, other in PAIRS if train[one] or train[other]]
    notes += [f"{train[kind]:,} hold {kind}" for kind in ODD if train[kind]]
    unseen = _unseen(subject, role)
    notes += [
        f"{count:,} different characters of {name} never occur in train"
        for name, count in unseen.items()
        if count
    ]
    normalises = bool(getattr(subject.parts.config.text, subject.parts.pipeline(role)).normalize)
    uneven = any(train[one] and train[other] for one, other in PAIRS) or train["not NFC"]
    lopsided = any(train[wide] > 50 and train[narrow] < 0.01 * train[wide] for wide, narrow in PAIRS[:2])
    plain = not uneven and not lopsided and not train["spaces between Japanese"]
    identity = _identity(subject, role)
    return Finding(
        "D12",
        "ok" if plain else "info" if normalises else "warn",
        f"{role}: " + "; ".join([*notes, identity]),
        "" if plain or normalises else
        "text typed in another width will look new to the model: put `nfkc` or `width` under `normalize`",
        numbers={f"{name} {feature}": count for name, held in counts.items() for feature, count in
        held.items() if count}, figures=[ Table(f"Texts of {role} that hold …", ("", *counts), rows),
        Bars(f"Scripts of {role} in train, characters", _scripts(subject, role)), ], )  # fmt: skip


def _features(subject: Subject, split: Split, role: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in subject.texts(split, role):
        for name, pattern in FEATURES.items():
            counts[name] += pattern.search(text) is not None
        counts["not NFC"] += not unicodedata.is_normalized("NFC", text)
        counts["not NFKC"] += not unicodedata.is_normalized("NFKC", text)
    return counts


def _mix(train: Counter[str], one: str, other: str) -> str:
    return f"{train[one]:,} training lines hold {one}, {train[other]:,} {other}"


def _unseen(subject: Subject, role: str) -> dict[str, int]:
    known = set().union(*map(set, subject.texts(subject.train, role)))
    return {
        name: len(set().union(*map(set, subject.texts(split, role))) - known)
        for name, split in subject.splits.items()
        if name != "train"
    }


def _scripts(subject: Subject, role: str) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for text in subject.texts(subject.train, role):
        for name, pattern in SCRIPTS.items():
            counts[name] += len(pattern.findall(text))
    return dict(counts)


def _identity(subject: Subject, role: str) -> str:
    segment = subject.steps(role).fingerprint().get("segment")
    if not segment:
        return "no segmenter: the tokenizer sees raw text"
    known = {
        key: value for key, value in segment.items() if isinstance(value, str | int) and key != "unicode"
    }
    return "cut by " + ", ".join(f"{key} {str(value)[:24]}" for key, value in known.items())

"""What a first look at a folder or a table found, and what every kind of look shares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from seqspec.data.corpus.lines import whole_texts

MOST_ROWS = 5000
"""Rows that are looked at."""
AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".opus")
_SCRIPTS = (("ja", "[ぁ-ゖァ-ヺ]"), ("ko", "[가-힣]"), ("zh", "[一-鿿]"), ("ru", "[а-яА-Я]"), ("ar", "[ء-ي]"))
_NAMES = {"dev": ("dev", "valid", "validation", "val", "eval"), "test": ("test",)}
"""What corpora call the splits that are evaluated on."""

Task = Literal["classification", "recognition", "translation", "language_model", "images"]


@dataclass(frozen=True)
class Survey:
    """What was found; ``source`` and ``target`` are columns, or language codes of parallel files."""

    task: Task
    root: Path
    adapter: str
    train: str
    rows: int
    others: Mapping[str, str] = field(default_factory=dict)
    """Files of the other splits, by the split's name."""
    delimiter: str = ","
    """Between the columns of a file of `csv`."""
    source: str = ""
    target: str = ""
    source_language: str = ""
    target_language: str = ""
    rate: int = 0
    classes: int = 0
    longest: int = 0
    """Code points of the longest source text."""
    notes: tuple[str, ...] = ()
    lines: tuple[str, ...] | None = None
    """What the adapter of a known layout is told, in place of splits and columns."""


def language_of(texts: Sequence[str]) -> str:
    """The language by script; ``en`` is a guess where the letters are Latin."""
    joined = "".join(texts[:500])
    for code, letters in _SCRIPTS:
        if len(re.findall(letters, joined)) > 0.05 * max(len(joined), 1):
            return code
    return "en"


def other_splits(train: str, names: Sequence[str]) -> dict[str, str]:
    """The files of ``names`` that are called as ``train`` is, but for the word of another split."""
    if "train" not in train:
        return {}
    called = {
        split: next((name for word in words if (name := train.replace("train", word)) in names), "")
        for split, words in _NAMES.items()
    }
    return {split: name for split, name in called.items() if name}


def first_texts(path: Path) -> list[str]:
    """As many lines as are looked at."""
    return list(islice(whole_texts(path), MOST_ROWS))

"""Symbols of phonemes and pitch accent out of HTS full-context labels: Kurihara, Seiyama and Kumano (2021),
"Prosodic Features Control by Symbols as Input of Sequence-to-Sequence Acoustic Modeling for Neural TTS",
IEICE Transactions E104.D, by the rules under which ESPnet's ``pyopenjtalk_prosody`` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

PHONEME = re.compile(r"-(.*?)\+")
QUESTION = re.compile(r"!(\d+)_")
FROM_NUCLEUS, FROM_START, FROM_END = (
    re.compile(r"/A:([0-9-]+)\+"),
    re.compile(r"\+(\d+)\+"),
    re.compile(r"\+(\d+)/"),
)
MORAE = re.compile(r"/F:(\d+)_")
UNKNOWN = -50
"""What a number is taken for that a label leaves out, as at pauses."""
ENDING = (*"aeiouAEIOU", "N", "cl")
"""Phonemes that may end a mora."""


def prosody(labels: Sequence[str]) -> list[str]:
    """``^ $ ?`` begin, end and question, ``_`` pause, ``#`` border of accent phrases, ``[ ]`` rise and fall
    of pitch; devoiced vowels are written as voiced ones.
    """
    found: list[str] = []
    for place, label in enumerate(labels):
        phoneme = _phoneme(label)
        if phoneme == "sil":
            found += _silence(label, place, len(labels))
        elif phoneme == "pau":
            found.append("_")
        else:
            found.append(phoneme)
            found += _accent(label, labels[place + 1] if place + 1 < len(labels) else "", phoneme)
    return found


def _phoneme(label: str) -> str:
    phoneme = PHONEME.search(label)
    name = phoneme[1] if phoneme else ""
    return name.lower() if name in ("A", "I", "U", "E", "O") else name


def _silence(label: str, place: int, count: int) -> list[str]:
    if place == 0:
        return ["^"]
    if place == count - 1:
        return ["?" if _number(QUESTION, label) == 1 else "$"]
    return []


def _accent(label: str, after: str, phoneme: str) -> list[str]:
    """The mark behind a phoneme."""
    to_nucleus, start, end = (_number(what, label) for what in (FROM_NUCLEUS, FROM_START, FROM_END))
    next_start = _number(FROM_START, after)
    if end == 1 and next_start == 1 and phoneme in ENDING:
        return ["#"]
    if to_nucleus == 0 and next_start == start + 1 and start != _number(MORAE, label):
        return ["]"]
    if start == 1 and next_start == 2:
        return ["["]
    return []


def _number(pattern: re.Pattern[str], label: str) -> int:
    found = pattern.search(label)
    return int(found[1]) if found and found[1].lstrip("-").isdigit() else UNKNOWN

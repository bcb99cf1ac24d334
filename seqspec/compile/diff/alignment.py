"""Which item of a list became which: equal items first, then items of one name or type in order."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import Any


def is_aligned(items: list[Any]) -> bool:
    """Lists of components are compared item by item; lists of numbers and words are one value."""
    return all(isinstance(item, dict) and ("name" in item or "type" in item) for item in items)


def align(old: list[Any], new: list[Any]) -> list[int | None]:
    """For every new item the index of the old one that it continues, or ``None``."""
    picks = _equal_runs(old, new)
    free = [index for index in range(len(old)) if index not in picks]
    for at, item in enumerate(new):
        if picks[at] is None:
            picks[at] = pick = next((index for index in free if _name(old[index]) == _name(item)), None)
            if pick is not None:
                free.remove(pick)
    return picks


def moved(picks: list[int | None] | tuple[int | None, ...]) -> bool:
    """Whether items that stayed changed places."""
    kept = [pick for pick in picks if pick is not None]
    return kept != sorted(kept)


def _equal_runs(old: list[Any], new: list[Any]) -> list[int | None]:
    texts_old, texts_new = [_text(item) for item in old], [_text(item) for item in new]
    picks: list[int | None] = [None] * len(new)
    for block in SequenceMatcher(None, texts_old, texts_new, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            picks[block.b + step] = block.a + step
    return picks


def _text(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _name(item: dict[str, Any]) -> tuple[object, object]:
    return item.get("name"), item.get("type")

"""What each metric of an experiment is called in results.

A metric that is asked for once is called by its type.  Where one type is asked for with several settings,
each name says what is set otherwise: ``f1_macro`` and ``f1_micro``, ``bleu`` and ``bleu_lowercase``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.schema.config import Config


def metric_names(configs: Sequence[Config]) -> tuple[str, ...]:
    """A name for each metric, in order; no two are equal unless their settings are."""
    types = [config.component[1] for config in configs]
    settings = [config.model_dump(mode="json") for config in configs]
    found = []
    for type_, own in zip(types, settings, strict=True):
        alike = [other for name, other in zip(types, settings, strict=True) if name == type_]
        differing = [key for key in own if any(other.get(key) != own[key] for other in alike)]
        found.append("_".join([type_, *_words(own, differing)]))
    return _numbered(found, settings)


def renamed(values: Mapping[str, float], *, type_: str, name: str) -> dict[str, float]:
    """What a metric has computed, under ``name``: ``wer_deletions`` as ``wer_nfkc_deletions``."""
    suffix = name.removeprefix(type_)
    return {
        f"{name}{key.removeprefix(type_)}" if key.startswith(type_) else f"{key}{suffix}": value
        for key, value in values.items()
    }


def _words(settings: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Settings as words of a name: a switch by its own name where it is on."""
    words = []
    for key in keys:
        value = settings[key]
        if isinstance(value, bool):
            words += [key] if value else []
        else:
            words += [word for one in _flat(value) if (word := re.sub(r"[^0-9A-Za-z]+", "_", one).strip("_"))]
    return words


def _flat(value: Any) -> list[str]:
    match value:
        case None:
            return []
        case list():
            return [word for one in value for word in _flat(one)]
        case dict():
            return _flat(value.get("type"))
    return [str(value)]


def _numbered(names: Sequence[str], settings: Sequence[object]) -> tuple[str, ...]:
    """Names that words did not tell apart, by number."""
    often, seen = Counter(names), Counter[str]()
    found = []
    for name, own in zip(names, settings, strict=True):
        same = [other for other, of in zip(names, settings, strict=True) if other == name and of == own]
        seen[name] += 1
        alone = often[name] == len(same) or seen[name] == 1
        found.append(name if alone else f"{name}_{seen[name]}")
    return tuple(found)

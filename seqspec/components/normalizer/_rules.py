"""Rewriting by rules that keep an alignment: a pattern and what stands in its place."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Generic, NamedTuple, TypeVar

from seqspec.data.text.aligned import Aligned, identity, rewrite
from seqspec.schema.types import Type

C = TypeVar("C")


class Rewriter(ABC, Generic[C]):
    """A normaliser that is rules, which its config decides; the rules themselves cannot be pickled."""

    def __init__(self, config: C, source: Type) -> None:
        self.config = config
        self._rules = self.rules(config)

    @staticmethod
    @abstractmethod
    def rules(config: C) -> tuple[Rule, ...]:
        """What is rewritten, in order."""

    def __getstate__(self) -> dict[str, C]:
        return {"config": self.config}

    def __setstate__(self, state: dict[str, C]) -> None:
        self.config = state["config"]
        self._rules = self.rules(self.config)

    def apply(self, text: str) -> str:
        """Text after the change."""
        return apply_rules(self._rules, text)

    def align(self, text: str) -> Aligned:
        """Text after the change and where each code point came from."""
        return align_rules(self._rules, text)


class Rule(NamedTuple):
    """Every match of ``pattern`` becomes ``replace`` of it."""

    pattern: re.Pattern[str]
    replace: Callable[[str], str]


def table_rule(table: Mapping[str, str]) -> Rule:
    """Each key of ``table``, the longest that fits, becomes its value."""
    keys = sorted(table, key=lambda key: (-len(key), key))
    pattern = "|".join(re.escape(key) for key in keys) if any(len(key) > 1 for key in keys) else _one_of(keys)
    return Rule(re.compile(pattern), dict(table).__getitem__)


def constant_rule(pattern: str, replacement: str) -> Rule:
    """Every match becomes ``replacement``."""
    return Rule(re.compile(pattern), lambda _: replacement)


def apply_rules(rules: Iterable[Rule], text: str) -> str:
    """Text after every rule, in order."""
    return reduce(
        lambda now, rule: rule.pattern.sub(lambda match: rule.replace(match.group()), now), rules, text
    )


def align_rules(rules: Iterable[Rule], text: str) -> Aligned:
    """Text after every rule and where each code point came from."""
    aligned = identity(text)
    for rule in rules:
        found = rule.pattern.finditer(aligned.text)
        edits = ((match.start(), match.end(), rule.replace(match.group())) for match in found)
        aligned = aligned.then(rewrite(aligned.text, edits))
    return aligned


def _one_of(characters: Iterable[str]) -> str:
    return f"[{''.join(re.escape(character) for character in characters)}]"

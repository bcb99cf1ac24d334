"""Builds segmenters, normalisers, tokenizers and metrics by name, as a plan would."""

from __future__ import annotations

from functools import cache
from typing import Any

from seqspec.data.text.text_pipeline import TextProcessor
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Config
from seqspec.schema.slot import slots
from seqspec.schema.types import Classes, Logits, Text, Tokens, Type

CATALOGUE = Catalogue()
JAPANESE = Text("ja")
TEXTS: dict[str, Type] = {"target": Tokens(100), "given": Logits(100)}
LABELS: dict[str, Type] = {"target": Classes(10), "given": Logits(10)}


def config(slot: str, name: str, /, **settings: Any) -> Config:
    return CATALOGUE.config(slot, name).model_validate(settings, context=CATALOGUE)


def segmenter(name: str, /, **settings: Any) -> Any:
    return _built(config("segmenter", name, **settings))


def normalizer(name: str, /, **settings: Any) -> Any:
    return _built(config("normalizer", name, **settings))


def tokenizer(name: str, /, **settings: Any) -> Any:
    return _built(config("tokenizer", name, **settings))


def metric(name: str, /, **settings: Any) -> Any:
    return _built(config("metric", name, **settings), TEXTS)


@cache
def mecab(dictionary: str = "unidic-lite") -> Any:
    return segmenter("mecab", dictionary=dictionary)


def processor(
    *normalize: str, segment: Any = None, tokens: str = "characters", **settings: Any
) -> TextProcessor:
    steps = [normalizer(name) for name in normalize]
    return TextProcessor(normalizers=steps, segmenter=segment, tokenizer=tokenizer(tokens, **settings))


def rebuild(text: str, spans: list[tuple[int, int]]) -> str:
    """Words and what stands between them, in order; spans that overlap or run backwards fail."""
    position, found = 0, ""
    for start, end in spans:
        assert position <= start < end <= len(text), (text, spans)
        found += text[position:start] + text[start:end]
        position = end
    return found + text[position:]


class Flow:
    """Passes types on and keeps nothing: enough for ``wire`` of a metric."""

    def node(self, name: str, source: Type) -> Type:
        return source

    def nodes(self, name: str, source: Type) -> Type:
        return source


def _built(of: Config, source: Any = JAPANESE) -> Any:
    cls = CATALOGUE.module(*of.component)
    return cls(of, source, _Parts(of)) if any(slots(type(of))) else cls(of, source)


class _Parts:
    def __init__(self, of: Config) -> None:
        self._of = of

    def __call__(self, name: str) -> Any:
        held = getattr(self._of, name)
        return None if held is None else _built(held)

    def list(self, name: str) -> list[Any]:
        return [_built(held) for held in getattr(self._of, name)]

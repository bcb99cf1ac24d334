"""What a folder's ``tokenizer_config.json`` says of the words that its pieces are cut from."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from seqspec.data.pretrained.bounded_json import read_json

ABOUT = "tokenizer_config.json"
_CLASSES = ("BertJapaneseTokenizer", "BertJapaneseTokenizerFast")
"""Tokenizers that find words before they cut pieces."""


class WordSettings(NamedTuple):
    """How words are found."""

    segmenter: str
    """Such as ``mecab``; ``basic`` cuts at white space and marks, which finds no words in Japanese."""
    dictionary: str | None
    """Such as ``unidic-lite``; ``None`` where the folder does not say."""
    pieces: str
    """``wordpiece`` or ``character``."""
    lowercase: bool


def told_words(folder: Path) -> WordSettings | None:
    """``None`` where the folder's tokenizer takes raw text.  Raises ``DataError``."""
    if not (folder / ABOUT).is_file():
        return None
    told = read_json(folder / ABOUT, most=4 << 20)
    if told.get("tokenizer_class") not in _CLASSES:
        return None
    segmenter = str(told.get("word_tokenizer_type") or "basic")
    more = told.get(f"{segmenter}_kwargs")
    named = more.get(f"{segmenter}_dic") if isinstance(more, dict) else None
    dictionary = named.replace("_", "-") if isinstance(named, str) else None
    pieces = str(told.get("subword_tokenizer_type") or "wordpiece")
    return WordSettings(segmenter, dictionary, pieces, told.get("do_lower_case") is True)

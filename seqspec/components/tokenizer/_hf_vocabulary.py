"""The tokenizer of a Japanese BERT's folder, which holds ``vocab.txt`` and says how words are found.

The words come from the spec's own segmenter; what is made here cuts them into pieces as
``BertJapaneseTokenizer`` of transformers does: the longest piece first, or one piece a character.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqspec.data.pretrained.word_settings import told_words
from seqspec.data.printable import show
from seqspec.data.regular_file import read_regular
from seqspec.data.text.text_pipeline import VISIBLE_SPACE
from seqspec.schema.diagnostic import DataError

VOCABULARY = "vocab.txt"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LONGEST_WORD = 100
"""Characters; a longer word is unknown whole."""


def made_of_vocabulary(folder: Path) -> str | None:
    """The text of a ``tokenizer.json``; ``None`` where the folder is of another kind.  Raises
    ``DataError``.
    """
    told = told_words(folder)
    if told is None or not (folder / VOCABULARY).is_file():
        return None
    ids = _ids(folder / VOCABULARY)
    if told.pieces not in ("wordpiece", "character"):
        raise _refused(folder, f"cuts words by `{told.pieces}`, which is neither wordpiece nor character")
    added = [_added(piece, ids[piece]) for piece in _SPECIAL if piece in ids]
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": _normalizer(told.lowercase),
        "pre_tokenizer": _cut(characters=told.pieces == "character"),
        "post_processor": _template(ids), "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": _LONGEST_WORD, "vocab": ids},
    }, ensure_ascii=False)  # fmt: skip


def _ids(file: Path) -> dict[str, int]:
    """A piece a line, as the folder's own tokenizer reads it: of two alike the later counts."""
    try:
        lines = read_regular(file).decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(file.parent, f"has a {VOCABULARY} that cannot be read: {error}") from None
    if lines and not lines[-1]:
        lines.pop()
    ids = {piece.rstrip("\r"): id for id, piece in enumerate(lines)}
    lacking = next((piece for piece in _SPECIAL[:4] if piece not in ids), None)
    if lacking is not None:
        raise _refused(file.parent, f"has a {VOCABULARY} without `{lacking}`")
    return ids


def _normalizer(lowercase: bool) -> Mapping[str, Any]:
    """White space of the text comes as a visible mark, and these tokenizers lose it."""
    blank = {"type": "Replace", "pattern": {"String": VISIBLE_SPACE}, "content": " "}
    steps = [blank, {"type": "Lowercase"}] if lowercase else [blank]
    return {"type": "Sequence", "normalizers": steps}


def _cut(*, characters: bool) -> Mapping[str, Any]:
    words: dict[str, Any] = {"type": "WhitespaceSplit"}
    if not characters:
        return words
    each = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [words, each]}


def _template(ids: Mapping[str, int]) -> Mapping[str, Any]:
    return {"type": "BertProcessing", "sep": ["[SEP]", ids["[SEP]"]], "cls": ["[CLS]", ids["[CLS]"]]}


def _added(piece: str, id: int) -> Mapping[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": id, "content": piece, **flags}


def _refused(folder: Path, why: str) -> DataError:
    return DataError(f"{show(str(folder))} {why}", help="get the folder once more", code="SQ450")

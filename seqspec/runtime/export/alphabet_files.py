"""The letters that a CTC head writes, as transformers' ``Wav2Vec2CTCTokenizer`` reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from seqspec.data.store.durable import write_durably
from seqspec.schema.types import EOS

SPACE = "|"
"""Stands for the space between words there."""


def write_alphabet(folder: Path, pieces: Sequence[str]) -> None:
    """``vocab.json`` and ``tokenizer_config.json``, where every piece but the special ones is one character;
    nothing where they are not, as of subwords, which that tokenizer cannot join.
    """
    letters = pieces[EOS + 1 :]
    if any(len(letter) != 1 for letter in letters) or (SPACE in letters and " " in letters):
        return
    pad, unk, bos, eos = pieces[: EOS + 1]
    names = [SPACE if piece == " " else piece for piece in pieces]
    about = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer", "pad_token": pad, "unk_token": unk, "bos_token": bos,
        "eos_token": eos, "word_delimiter_token": SPACE, "replace_word_delimiter_char": " ",
        "do_lower_case": False,
    }  # fmt: skip
    for name, held in (
        ("vocab.json", {piece: id for id, piece in enumerate(names)}),
        ("tokenizer_config.json", about),
    ):
        text = json.dumps(held, ensure_ascii=False, indent=1)
        write_durably(folder / name, text.encode() + b"\n")

"""The tokenizer of a folder in Hugging Face's layout, checked before it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqspec.components.tokenizer._hf_artifact import NO_TOKENIZER, HFArtifact
from seqspec.components.tokenizer._hf_model import opened as opened_model
from seqspec.components.tokenizer._hf_vocabulary import made_of_vocabulary
from seqspec.data.pretrained.bounded_json import AGAIN, read_json
from seqspec.data.pretrained.hf_folder import SETTINGS
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import DataError

TOKENIZER, ABOUT, SPECIALS = "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"
MOST_BYTES = 256 << 20
MOST_ROWS = 16_777_216
_NAMES = {"pad": ("pad",), "unk": ("unk",), "bos": ("bos", "cls"), "eos": ("eos", "sep")}
"""Each of ours, and what folders call it, the first that there is."""


def read_artifact(folder: Path) -> HFArtifact:
    """What a folder has.  Raises ``DataError``."""
    text = _text(folder)
    settings = _optional(folder / SETTINGS)
    ids = _ids(text)
    special = tuple(_special(names, settings, folder, ids) for names in _NAMES.values())
    rows = settings.get("vocab_size")
    most = max([*ids.values(), *special], default=0) + 1
    if type(rows) is not int or not most <= rows <= MOST_ROWS:
        rows = most
    pad, unk, bos, eos = special
    start = settings.get("decoder_start_token_id")
    if settings.get("is_encoder_decoder") is True and type(start) is int and 0 <= start < MOST_ROWS:
        bos = start
    about = "" if (folder / TOKENIZER).is_file() else json.dumps(_optional(folder / ABOUT), sort_keys=True)
    return HFArtifact(text, (pad if pad not in (unk, bos, eos) else -1, unk, bos, eos), rows, about)


def _text(folder: Path) -> str:
    file = folder / TOKENIZER
    if not folder.is_dir():
        why, help = (
            f"there is no model folder {show(str(folder))}",
            "set `from` to a folder with a tokenizer.json",
        )
    elif not file.is_file():
        made = made_of_vocabulary(folder)
        if made is not None:
            return made
        why = f"{show(str(folder))} has no {TOKENIZER}"
        help = (
            "save it once: `AutoTokenizer.from_pretrained('IN').save_pretrained('OUT')` of `transformers`; "
            "a `.model` file is read by tokenizer `sentencepiece_file`, a `vocab.txt` by `wordpiece`"
        )
    else:
        try:
            with open_regular(file) as opened:
                data = opened.read(MOST_BYTES + 1)
            if len(data) <= MOST_BYTES:
                return data.decode("utf-8")
            why, help = f"{TOKENIZER} is larger than {MOST_BYTES:,} bytes", AGAIN
        except (OSError, UnicodeDecodeError) as error:
            why, help = f"{TOKENIZER} cannot be read: {error}", AGAIN
    raise DataError(why, help=help, code=NO_TOKENIZER)


def _ids(text: str) -> dict[str, int]:
    """Pieces that are added beside the vocabulary, by their text, and the vocabulary's own."""
    found: dict[str, int] = opened_model(text).get_vocab(with_added_tokens=True)
    return found


def _special(
    names: tuple[str, ...], settings: Mapping[str, Any], folder: Path, ids: Mapping[str, int]
) -> int:
    for name in names:
        for piece in _pieces(name, folder):
            if piece in ids:
                return ids[piece]
    for name in names:
        told = settings.get(f"{name}_token_id")
        first = told[0] if isinstance(told, list) and told else told
        if type(first) is int and 0 <= first < MOST_ROWS:
            return first
    return -1


def _pieces(name: str, folder: Path) -> Iterator[str]:
    for file in (ABOUT, SPECIALS):
        told = _optional(folder / file).get(f"{name}_token")
        piece = told.get("content") if isinstance(told, dict) else told
        if isinstance(piece, str):
            yield piece


def _optional(file: Path) -> Mapping[str, Any]:
    return read_json(file, most=32 << 20) if file.is_file() else {}

"""The tokenizer of a Whisper folder, by the package ``tokenizers``, with a prompt in front of each text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqspec.components.tokenizer._by_model import ByModel
from seqspec.components.tokenizer._hf_artifact import HFArtifact
from seqspec.components.tokenizer._hf_folder import read_artifact
from seqspec.components.tokenizer._hf_model import HFModel, opened
from seqspec.components.tokenizer._vocabulary import SPECIAL, sha256
from seqspec.data.pretrained.bounded_json import damaged, read_json
from seqspec.data.pretrained.hf_folder import SETTINGS, path_of
from seqspec.schema.diagnostic import DataError
from seqspec.schema.tokenizer.whisper import WhisperConfig
from seqspec.schema.types import EOS, Text, Type

NO_PROMPT = "SQ360"
WITHOUT = "<|notimestamps|>"
GENERATION = "generation_config.json"
SILENT = ("suppress_tokens", "begin_suppress_tokens")
"""What folders call the ids that are never written, and those that are not written first."""
MOST_SILENT = 100_000
_TASKS = ("transcribe", "translate")


class Whisper(ByModel[HFModel]):
    """``train`` reads the folder, so that what was read travels with the run."""

    def __init__(self, config: WhisperConfig, source: Type) -> None:
        super().__init__()
        assert isinstance(source, Text)
        self._folder = config.folder
        self._prompt = config.prompt(source.language)
        self._silent: dict[str, list[int]] = {}

    def train(self, texts: Iterable[str]) -> bytes:
        """Read the folder; the texts are not looked at.  Raises ``DataError`` where it has no tokenizer, or
        none with this prompt.
        """
        held = json.loads(self._read().dump())
        silent = _silent(path_of(self._folder))
        artifact = json.dumps({**held, **silent}, ensure_ascii=False, sort_keys=True).encode()
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take what ``train`` gave."""
        held = HFArtifact.parse(artifact)
        pieces = opened(held.tokenizer).get_vocab(with_added_tokens=True)
        self._model = HFModel(held, template=False, prompt=_ids(self._prompt, pieces))
        known = json.loads(artifact)
        self._silent = {name: known[name] for name in SILENT if name in known}

    def suppressed(self) -> tuple[tuple[int, ...], ...]:
        """Ids that a search never writes, and those that it does not write first."""
        return tuple(tuple(self._loaded().of_folder(self._silent.get(name, ()))) for name in SILENT)

    def times(self) -> tuple[list[int], list[bool], int | None, int]:
        """Of each id the number of its time (-1 where it is none), and whether it is text; the id that says
        that no times follow; how many ids of the prompt stand before that.

        Times stand behind that id in the folder, whether or not the tokenizer has pieces for them.
        """
        order = self._loaded().order
        pieces: Mapping[str, int] = self._loaded().tokenizer.get_vocab(with_added_tokens=True)
        none = pieces.get(WITHOUT)
        if none is None:
            raise DataError(f"the folder's tokenizer has no piece `{WITHOUT}`", code=NO_PROMPT)
        steps = [id - none - 1 if id > none else -1 for id in order]
        end = order[EOS]
        ours = next((place for place, id in enumerate(order) if id == none), None)
        prompt = len(self._prompt) - (self._prompt[-1:] == (WITHOUT,))
        return steps, [0 <= id < end for id in order], ours, prompt

    def original_ids(self) -> tuple[int, ...]:
        """The folder's id of each of ours; -1 where it has none."""
        return self._loaded().order

    def exported(self, special: Sequence[int]) -> dict[str, bytes]:
        """The files of a folder whose model has these ids of padding, unknown, begin and end."""
        return self._loaded().exported(special)

    def generation(self) -> dict[str, Any]:
        """What generation_config.json says of prompts."""
        pieces: Mapping[str, int] = self._loaded().tokenizer.get_vocab(with_added_tokens=True)
        languages = {f"<|{name}|>": pieces[f"<|{name}|>"] for name in _languages(pieces)}
        found: dict[str, Any] = {"is_multilingual": len(self._prompt) > 1, "lang_to_id": languages}
        found["task_to_id"] = {name: pieces[f"<|{name}|>"] for name in _TASKS if f"<|{name}|>" in pieces}
        if "<|notimestamps|>" in pieces:
            found["no_timestamps_token_id"] = pieces["<|notimestamps|>"]
        found |= self._silent
        return found

    def encode(self, text: str) -> list[int]:
        """Ids of a text behind those of the prompt."""
        return [*self._first, *self._loaded().encode(text)]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [[*self._first, *ids] for ids in self._loaded().encode_batch(texts)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; special ones and the prompt's leave nothing behind."""
        first = self._first
        return self._loaded().decode([id for id in ids if int(id) not in first])

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``, in code points; the prompt's are empty."""
        return [(0, 0)] * len(self._prompt) + self._loaded().offsets(text)

    def fingerprint(self) -> dict[str, Any]:
        """The tokenizer's bytes, its special ids and prompt, and the library's version."""
        from importlib.metadata import version

        held = self._model.held if self._model is not None else self._read()
        digest = sha256(json.dumps(held, sort_keys=True).encode())
        silent = self._silent if self._model is not None else _silent(path_of(self._folder))
        return {
            "type": "whisper", "sha256": digest, "prompt": list(self._prompt),
            "library": version("tokenizers"), **silent,
        }  # fmt: skip

    @property
    def _first(self) -> range:
        return range(len(SPECIAL), len(SPECIAL) + len(self._prompt))

    def _read(self) -> HFArtifact:
        """The end of such folders is their unknown piece as well, and it is the end here."""
        held = read_artifact(path_of(self._folder))
        _ids(self._prompt, opened(held.tokenizer).get_vocab(with_added_tokens=True))
        pad, unk, bos, eos = held.special
        return held._replace(special=(pad, -1 if unk in (bos, eos) else unk, bos, eos))


def _ids(prompt: Sequence[str], pieces: Mapping[str, int]) -> tuple[int, ...]:
    """The folder's ids of the prompt's pieces.  Raises ``DataError`` where it lacks one."""
    lacking = next((piece for piece in prompt if piece not in pieces), None)
    if lacking is None:
        return tuple(pieces[piece] for piece in prompt)
    known = _languages(pieces)
    if "<|notimestamps|>" not in pieces and not known:
        why, help = "it is not Whisper's", "name the folder of a Whisper, or use tokenizer `hf`"
    elif lacking == prompt[0] and len(prompt) > 1:
        why = f"its languages are {', '.join(known[:120]) or 'none'}"
        help = "set `language` of the tokenizer to one of them, or to `none` for an English-only folder"
    else:
        why, help = "the folder's model has not learned this prompt", "name another folder"
    raise DataError(f"the folder's tokenizer has no piece `{lacking}`; {why}", help=help, code=NO_PROMPT)


def _silent(folder: Path) -> dict[str, list[int]]:
    """The folder's lists of ids that are not written: of generation_config.json, or in older folders of
    config.json.  Raises ``DataError`` where one is no list of whole numbers.
    """
    file = next((folder / name for name in (GENERATION, SETTINGS) if (folder / name).is_file()), None)
    held = {} if file is None else read_json(file, most=4 << 20)
    found = {name: held[name] for name in SILENT if held.get(name)}
    for name, ids in found.items():
        if not isinstance(ids, list) or len(ids) > MOST_SILENT or not all(type(id) is int for id in ids):
            assert file is not None
            raise damaged(file, f"holds no list of ids under `{name}`")
    return found


def _languages(pieces: Mapping[str, int]) -> list[str]:
    """Codes of two to four small letters between the start and the task, in the order of their ids."""
    first, last = pieces.get("<|startoftranscript|>", -1), pieces.get("<|translate|>", -1)
    named = sorted((id, piece) for piece, id in pieces.items() if first < id < last)
    return [piece[2:-2] for _, piece in named if piece.startswith("<|") and piece[2:-2].isalpha()]

"""A tokenizer of the package ``tokenizers`` with the project's special ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seqspec.components.tokenizer._pieces import encodable
from seqspec.components.tokenizer._vocabulary import SPECIAL
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import UNK

if TYPE_CHECKING:
    from seqspec.components.tokenizer._hf_artifact import HFArtifact


_MASKS = ("<mask>", "[MASK]")
"""What folders call the piece that hides another."""


def opened(text: str) -> Any:
    """The library's tokenizer.  Raises ``DataError`` where the text is none."""
    try:
        import tokenizers
    except ImportError:
        message = "a folder's tokenizer needs the package `tokenizers`, which is not installed"
        help = "pip install 'seqspec-compiler[hf]'"
        raise DataError(message, help=help, code="SQ420") from None
    try:
        found = tokenizers.Tokenizer.from_str(text)
    except BaseException as error:  # the library's panics are no `Exception`
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(
            f"tokenizer.json is no tokenizer: {why}", help="get the folder once more", code="SQ450"
        ) from None
    found.no_truncation()
    found.no_padding()
    return found


class HFModel:
    """Built in each process when first used; only what was read travels between processes."""

    def __init__(self, held: HFArtifact, *, template: bool, prompt: tuple[int, ...] = ()) -> None:
        """``prompt``: the folder's ids that follow the special ones here."""
        self.held = held
        self.template = template
        self.prompt = prompt

    def __getstate__(self) -> dict[str, Any]:
        return {"held": self.held, "template": self.template, "prompt": self.prompt}

    @cached_property
    def tokenizer(self) -> Any:
        """The library's tokenizer.  Raises ``DataError``."""
        return opened(self.held.tokenizer)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The folder's id of each of ours; -1 where it has none."""
        first = (*self.held.special, *self.prompt)
        known = set(first)
        return (*first, *(id for id in range(self.held.rows) if id not in known))

    @property
    def size(self) -> int:
        """Ids in all."""
        return len(self.order)

    @cached_property
    def _ours(self) -> list[int]:
        """Our id of each of the folder's."""
        found = [UNK] * self.held.rows
        for ours, theirs in reversed(list(enumerate(self.order))):
            if theirs >= 0:
                found[theirs] = ours
        *_, bos, eos = self.held.special
        if bos == eos >= 0:
            found[eos] = 3  # one piece is both: in a text it is the end of one
        return found

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""
        return self._renamed(self.tokenizer.encode(encodable(text), add_special_tokens=self.template).ids)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def of_folder(self, ids: Sequence[int]) -> list[int]:
        """Our ids of the folder's, those that it does not have left out."""
        return self._renamed([id for id in ids if 0 <= id < self.held.rows])

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; special ones leave nothing behind."""
        theirs = [self.order[int(id)] for id in ids if int(id) >= len(SPECIAL) or int(id) == UNK]
        return str(self.tokenizer.decode([id for id in theirs if id >= 0], skip_special_tokens=True))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces of ids, special ones by the project's names."""
        return [SPECIAL[id] if id < len(SPECIAL) else self._piece(self.order[id]) for id in ids]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``, in code points."""
        found = self.tokenizer.encode(encodable(text), add_special_tokens=self.template)
        return [(int(begin), int(end)) for begin, end in found.offsets]

    def exported(self, special: Sequence[int]) -> dict[str, bytes]:
        """``tokenizer.json`` and ``tokenizer_config.json``; special ids that follow the last one become
        pieces.
        """
        tokenizer = opened(self.held.tokenizer)
        named = dict(zip(("pad", "unk", "bos", "eos"), special, strict=True))
        for name, id in sorted(named.items(), key=lambda pair: pair[1]):
            if id == tokenizer.get_vocab_size(with_added_tokens=True):
                tokenizer.add_special_tokens([f"<{name}>" if name in ("pad", "unk") else f"<seqspec_{name}>"])
        pieces = {f"{name}_token": tokenizer.id_to_token(id) for name, id in named.items()}
        if self.held.about:
            return {
                "tokenizer_config.json": self.held.about.encode() + b"\n",
                "vocab.txt": _listed(tokenizer.get_vocab(with_added_tokens=True)).encode(),
            }
        about = {"tokenizer_class": "PreTrainedTokenizerFast"}
        about |= {name: piece for name, piece in pieces.items() if piece is not None}
        mask = next((piece for piece in _MASKS if tokenizer.token_to_id(piece) is not None), None)
        about |= {"mask_token": mask} if mask else {}
        return {
            "tokenizer.json": tokenizer.to_str(pretty=False).encode(),
            "tokenizer_config.json": json.dumps(about, indent=1, sort_keys=True).encode() + b"\n",
        }

    def _piece(self, id: int) -> str:
        """A row that the tokenizer has no piece for is named by its number."""
        found = self.tokenizer.id_to_token(id)
        return f"<unused {id}>" if found is None else str(found)

    def _renamed(self, ids: Sequence[int]) -> list[int]:
        ours = self._ours
        return [ours[id] for id in ids]


def _listed(ids: Mapping[str, int]) -> str:
    """One piece a line, in the order of their ids; a number that has none is a line of its own."""
    pieces = {id: piece for piece, id in ids.items()}
    return "".join(f"{pieces.get(id, f'[unused {id}]')}\n" for id in range(max(pieces) + 1))

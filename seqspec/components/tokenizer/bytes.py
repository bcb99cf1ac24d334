"""UTF-8 bytes as ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seqspec.components.tokenizer._vocabulary import SPECIAL
from seqspec.schema.tokenizer.bytes import NUM_SPECIAL, BytesConfig
from seqspec.schema.types import UNK, Type


class Bytes:
    """Byte b is id b + 4; nothing is ever unknown."""

    trainable = False
    vocab_size = 256 + NUM_SPECIAL

    def __init__(self, config: BytesConfig, source: Type) -> None:
        self.config = config

    def train(self, texts: Iterable[str]) -> bytes:
        """There is nothing to learn."""
        return b""

    def load(self, artifact: bytes) -> None:
        """There is nothing to load."""

    def encode(self, text: str) -> list[int]:
        """One id a byte.  A lone surrogate cannot be UTF-8 and becomes UNK."""
        try:
            return [byte + NUM_SPECIAL for byte in text.encode()]
        except UnicodeEncodeError:
            return [id for character in text for id in _ids(character)]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; a broken sequence of bytes shows as U+FFFD."""
        whole = b"".join("\ufffd".encode() if id == UNK else _byte(id) for id in ids)
        return whole.decode(errors="replace")

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Bytes as ``<0xE3>``, printable ASCII as itself."""
        return [_show(id) for id in ids]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Each byte stands for the whole code point that it is part of."""
        return [(i, i + 1) for i, character in enumerate(text) for _ in _ids(character)]

    def fingerprint(self) -> dict[str, Any]:
        """The rule is UTF-8."""
        return {"type": "bytes"}


def _ids(character: str) -> list[int]:
    if "\ud800" <= character <= "\udfff":
        return [UNK]
    return [byte + NUM_SPECIAL for byte in character.encode()]


def _byte(id: int) -> bytes:
    if not 0 <= id < 256 + NUM_SPECIAL:
        raise IndexError(f"id {id} is outside a vocabulary of {256 + NUM_SPECIAL}")
    return bytes([id - NUM_SPECIAL]) if id >= NUM_SPECIAL else b""


def _show(id: int) -> str:
    if id < NUM_SPECIAL:
        return SPECIAL[id]
    byte = id - NUM_SPECIAL
    return chr(byte) if 0x20 <= byte < 0x7F else f"<0x{byte:02X}>"

"""Taking fields out of a SentencePiece model file, which is a Protocol Buffers message, without that library.

Wire format: https://protobuf.dev/programming-guides/encoding; field numbers are those of
``sentencepiece_model.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

TRAINER, NORMALIZER = 2, 3
"""Messages inside the model."""
TRAINER_INPUT_FORMAT, TRAINER_SEEDS_FILE = 7, 54
NORMALIZER_PREFIX = 3
"""Whether a space is put before the text; true where it is left out."""
_BYTES = 2


def without(model: bytes, dropped: Mapping[int, Set[int]]) -> bytes:
    """The model with fields taken out of the messages that it holds: ``{message: {field, …}}``."""
    parts: list[bytes] = []
    for number, kind, start, end in _fields(model):
        if kind != _BYTES or number not in dropped:
            parts.append(model[start:end])
            continue
        size, at = _varint(model, _varint(model, start)[1])
        inner = model[at : at + size]
        kept = b"".join(inner[a:b] for n, _, a, b in _fields(inner) if n not in dropped[number])
        parts.append(_write(number << 3 | _BYTES) + _write(len(kept)) + kept)
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, begin and end of every field."""
    position = 0
    while position < len(message):
        start = position
        tag, position = _varint(message, position)
        match kind := tag & 7:
            case 0:
                _, position = _varint(message, position)
            case 1:
                position += 8
            case 2:
                size, position = _varint(message, position)
                position += size
            case 5:
                position += 4
            case _:
                raise ValueError(f"wire type {kind} in a SentencePiece model")
        yield tag >> 3, kind, start, position


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """The number at ``position`` and where it ends."""
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _write(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)

"""The header of a safetensors file: names, kinds, shapes and places of its tensors, believed only once
checked.

Format: https://github.com/huggingface/safetensors, section "Format": eight bytes of length, little-endian, a
JSON object, then the bytes of the tensors without holes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from seqspec.data.pretrained.bounded_json import damaged, parse
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular

MOST_BYTES = 32 << 20
"""Of a header."""
MOST_TENSORS = 200_000
MOST_NAME = 1_000
WIDTHS = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
    "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "U32": 4, "U64": 8,
}  # fmt: skip
"""Bytes of an element, by the name of its kind."""


class Tensor(NamedTuple):
    """Where one tensor lies."""

    file: Path
    kind: str
    """Such as ``F32``."""
    shape: tuple[int, ...]
    begin: int
    """Bytes from the beginning of the file."""
    end: int


def read_header(file: Path) -> dict[str, Tensor]:
    """The tensors of a file by name.  Raises ``DataError`` where the file is short or its header is no such
    thing.
    """
    try:
        with open_regular(file) as opened:
            size = opened.seek(0, 2)
            opened.seek(0)
            first = opened.read(8)
            length = int.from_bytes(first, "little")
            if len(first) < 8 or length > min(MOST_BYTES, size - 8):
                raise damaged(file, _short(size, first))
            text = opened.read(length)
    except OSError as error:
        raise damaged(file, f"cannot be read: {error.strerror}") from None
    found = parse(text, file)
    found.pop("__metadata__", None)
    if len(found) > MOST_TENSORS:
        raise damaged(file, f"names more than {MOST_TENSORS:,} tensors")
    tensors = {name: _tensor(file, name, entry, start=8 + length) for name, entry in found.items()}
    _require_whole(file, tensors, start=8 + length, size=size)
    return tensors


_OTHERS = {
    b"version ": "is a pointer of Git LFS and not the weights: `git lfs pull` in its folder fetches them",
    b"<!DOCTYP": "is a page of the web, and not the weights",
    b"PK": "is a zip archive, as torch saves pickles, whatever it is called",
    b"\x80": "is a pickle, whatever it is called, which could run code when it is opened",
}
"""What files of that name are instead, by how they begin."""


def _short(size: int, first: bytes) -> str:
    if size == 0:
        return "is empty"
    other = next((what for begin, what in _OTHERS.items() if first.startswith(begin)), None)
    if other is not None:
        return other
    if len(first) < 8 or int.from_bytes(first, "little") <= MOST_BYTES:
        return f"has {size:,} bytes, fewer than its own header: the download was cut off"
    return "is no safetensors file: its first eight bytes are no length of a header"


def _tensor(file: Path, name: str, entry: Any, *, start: int) -> Tensor:
    told = entry if isinstance(entry, dict) else {}
    kind, shape, place = told.get("dtype"), _numbers(told.get("shape")), _numbers(told.get("data_offsets"))
    if len(name) > MOST_NAME or kind not in WIDTHS or shape is None or place is None or len(place) != 2:
        raise damaged(file, f"says nothing that can be understood of {show(name)[:100]!r}")
    begin, end = place
    if math.prod(shape) * WIDTHS[kind] != end - begin:
        raise damaged(file, f"gives {show(name)[:100]!r} a size that is not that of its shape {list(shape)}")
    return Tensor(file, kind, shape, start + begin, start + end)


def _numbers(value: Any) -> tuple[int, ...] | None:
    """Sizes or places, if they are such."""
    fine = isinstance(value, list) and len(value) <= 16
    return tuple(value) if fine and all(type(n) is int and 0 <= n < 2**48 for n in value) else None


def _require_whole(file: Path, tensors: dict[str, Tensor], *, start: int, size: int) -> None:
    at = start
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.begin != at:
            raise damaged(file, "has holes between its tensors, or tensors that overlap")
        at = tensor.end
    if size < at:
        raise damaged(file, f"has {size:,} of {at:,} bytes: the download was cut off")
    if size > at:
        raise damaged(file, f"has {size - at:,} bytes behind its last tensor")

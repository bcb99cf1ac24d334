"""Tensors in a file: the safetensors format, written by us so that bytes are the same every time and each
tensor has its hash.

The format is that of https://github.com/huggingface/safetensors (8 bytes of header length, a JSON header,
raw little-endian tensors); every reader of it reads these files.  The package's own writer gives other
bytes from call to call where there is metadata, cannot stream, and keeps no hash, and a flipped bit in its
data would load in silence.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqspec.runtime.devices.sharded_tensors import gathered

_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL",
}  # fmt: skip
_DTYPES = {name: dtype for dtype, name in _NAMES.items()}


class Damaged(Exception):
    """A file does not hold what was written to it."""


def pieces(
    tensors: Mapping[str, Tensor], *, about: Mapping[str, str] | None = None
) -> Iterator[tuple[str | None, bytes | memoryview]]:
    """What the file consists of, in order: the header (named ``None``), then each tensor's bytes under its
    name.  ``about`` is kept in the header as the format's metadata.
    """
    header: dict[str, object] = {"__metadata__": dict(about)} if about else {}
    offset = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield None, len(text).to_bytes(8, "little") + text
    for name in sorted(tensors):
        yield name, raw_bytes(tensors[name])


def packed_tensors(tensors: Mapping[str, Tensor], about: Mapping[str, str] | None = None) -> bytes:
    """The whole file: the same bytes for the same tensors."""
    return b"".join(bytes(data) for _, data in pieces(tensors, about=about))


def raw_bytes(tensor: Tensor) -> memoryview:
    """The tensor's elements, row by row, little-endian.  One that is shared out is gathered, for which the
    other processes ``take_part``.
    """
    flat = gathered(tensor).detach().cpu().contiguous().reshape(-1)
    if not flat.numel():
        return memoryview(b"")
    return memoryview(flat.view(torch.uint8).numpy())  # type: ignore[arg-type]


def tensor_digest(name: str, tensor: Tensor, data: bytes | memoryview | None = None) -> str:
    """SHA-256 over name, type, shape and bytes."""
    state = hashlib.sha256(f"{name}\0{_NAMES[tensor.dtype]}\0{list(tensor.shape)}\0".encode())
    state.update(raw_bytes(tensor) if data is None else data)
    return state.hexdigest()


def digest_all(tensors: Mapping[str, Tensor]) -> str:
    """One digest of many tensors, whatever their order."""
    lines = (f"{name} {tensor_digest(name, tensors[name])}" for name in sorted(tensors))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, in memory of their own; raises ``Damaged`` where the file is not well formed."""
    return parsed(path.read_bytes(), path.name)[0]


def parsed(data: bytes, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file called ``name``, in memory of their own, and what its header says about it;
    raises ``Damaged`` where it is not well formed.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        header: dict[str, Any] = json.loads(data[8 : 8 + length])
        about: dict[str, str] = header.pop("__metadata__", {})
        return {name: _tensor(entry, data, 8 + length) for name, entry in header.items()}, about
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        raise Damaged(f"{name} is not a whole safetensors file") from error


def read_metadata(path: Path) -> dict[str, str]:
    """What the header says about the file; raises ``Damaged`` like ``read_tensors``."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            found: dict[str, str] = json.loads(file.read(length)).get("__metadata__", {})
        except (ValueError, AttributeError) as error:
            raise Damaged(f"{path.name} is not a whole safetensors file") from error
    return found


def _tensor(entry: dict[str, Any], data: bytes, start: int) -> Tensor:
    dtype, shape, (first, last) = _DTYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
    if min(shape, default=0) < 0 or not 0 <= first <= last == first + math.prod(shape) * dtype.itemsize:
        raise ValueError("offsets and shape disagree")
    block = np.frombuffer(data, np.uint8, last - first, start + first).copy()
    return (
        torch.from_numpy(block).view(dtype).reshape(shape) if block.size else torch.empty(shape, dtype=dtype)
    )

"""How wide a decoder is that may follow its encoder."""

from __future__ import annotations

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.types import States, Type


def width_of(dim: int | None, *, memory: Type, flow: Flow) -> int:
    """The width that is stated, else the encoder's.  Raises ``Mismatch`` where there is neither."""
    if dim is not None:
        return dim
    if not isinstance(memory, States):
        raise Mismatch("the width does not follow from an encoder here", at=("dim",), help="set `dim`")
    found: int = flow.derive("dim", memory.dim, "the encoder's width")
    return found

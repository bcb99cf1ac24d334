"""Decoders that read a row as one text, however many documents were packed into it."""

# B examples, U target time

from __future__ import annotations

from torch import Tensor


def refuse_documents(segments_BU: Tensor | None, *, what: str) -> None:
    """Raises ``ValueError`` where documents are to be kept apart, which ``what`` cannot do."""
    if segments_BU is not None:
        raise ValueError(f"{what} cannot keep packed documents apart (`data.pack.document_mask: false`)")

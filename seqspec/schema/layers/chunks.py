"""Settings of attention by chunks that mean nothing without one another."""

from __future__ import annotations

from typing import Protocol

from seqspec.schema.config import Mismatch


class Chunked(Protocol):
    """A config with these settings."""

    @property
    def chunk(self) -> int | None: ...

    @property
    def left_context(self) -> int | None: ...

    @property
    def dynamic_chunk(self) -> int | None: ...


def require_chunks(config: Chunked) -> None:
    """Refuses what says how chunks are seen or trained where there are none."""
    if config.chunk is not None:
        return
    for name in ("left_context", "dynamic_chunk"):
        if getattr(config, name) is not None:
            raise Mismatch(
                f"`{name}` speaks of chunks, and attention sees everything",
                at=(name,),
                help="set `chunk`, or take it out",
            )

"""Whether a component can work on a recording while it is still spoken, and what it must wait for.

A config whose component can says so in ``streaming(source)``, which gives one of the two types below; a
config without that method cannot.  A model names the slots that sound passes through in ``streamed``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from seqspec.schema.source import Path
from seqspec.schema.types import Type


class Streams(NamedTuple):
    """The component streams.  Steps are those of what it reads."""

    chunk: int = 1
    """Steps that are worked on together: none of them is answered before all have come."""
    ahead: int = 0
    """Steps beyond them that must have come as well."""
    asked: bool = False
    """The spec asks for it, by a setting that serves no other purpose."""


class Obstacle(NamedTuple):
    """What keeps a component from streaming."""

    message: str
    help: str
    at: Path = ()
    """The setting, below the component's place."""


def streaming(config: Any, source: Type) -> Streams | Obstacle:
    """What the config of any component says of itself."""
    said = getattr(config, "streaming", None)
    if said is not None:
        answer: Streams | Obstacle = said(source)
        return answer
    slot, name = config.component
    return Obstacle(f"{slot} `{name}` needs the whole recording", f"choose another {slot}")


def ahead_of_strides(strides: list[int]) -> int:
    """Steps beyond its own that a state of strided convolutions of width 3, padded by 1, looks ahead."""
    last = total = 0
    for stride in reversed(strides):
        last = stride * last + 1
    total = 1
    for stride in strides:
        total *= stride
    return last - (total - 1) if strides else 0

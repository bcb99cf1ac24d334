"""What a server takes at most, and requests that ask for more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(frozen=True)
class Limits:
    """Bounds on size, time and queue."""

    max_body: int = 25 * 2**20
    """Bytes of a request."""
    max_inputs: int = 256
    """Inputs of one request."""
    max_characters: int = 20_000
    """Of one text, as it is and in Unicode's normal form KC, in which one character may become eighteen."""
    max_seconds: float = 120.0
    """Of one recording."""
    max_pixels: int = 25_000_000
    """Of one image, by its header: a small file can unpack to a large one."""
    max_tokens: int = 1024
    """That one request may have a language model write."""
    max_queue: int = 512
    """Inputs that wait for one model; more are refused with 503."""
    max_batch: int = 32
    """Inputs of one batch."""
    wait_seconds: float = 0.01
    """How long the first input of a batch waits at most for as many others as came together lately; a quarter
    of the last batch's time where that is more, and not at all where it is 0."""
    timeout_seconds: float = 60.0
    """From the request's last byte to its answer; later it is 504."""
    read_seconds: float = 20.0
    """For all bytes of a request to come in; slower ones are closed or answered with 408."""
    connections: int = 256
    """At once; more are refused with 503."""


DRAINED = 4
"""Times the largest body that is read, and forgotten, of one that is too large."""


class Refused(Exception):
    """A request that is answered with an error of the client's making, or with a busy server's."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request") -> None:
        self.status = status
        self.message = message
        self.kind = kind
        super().__init__(message)


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body; raises ``Refused`` for one that is too large or too slow."""
    try:
        return await asyncio.wait_for(_collected(request, limits), limits.read_seconds)
    except TimeoutError:
        raise Refused(
            408, f"the request did not come in within {limits.read_seconds:g} seconds", kind="timeout"
        ) from None


async def _collected(request: Request, limits: Limits) -> bytes:
    said = request.headers.get("content-length", "0")
    announced = int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0
    parts: list[bytes] = []
    size = 0
    if announced > DRAINED * limits.max_body:
        raise _too_large(limits)
    async for part in request.stream():
        size += len(part)
        if max(size, announced) <= limits.max_body:
            parts.append(part)
        else:
            # Read on without keeping anything: a client that still sends could not hear the answer.
            parts.clear()
            if size > DRAINED * limits.max_body:
                break
    if max(size, announced) > limits.max_body:
        raise _too_large(limits)
    return b"".join(parts)


def _too_large(limits: Limits) -> Refused:
    return Refused(413, f"a request may have {limits.max_body:,} bytes", kind="too_large")

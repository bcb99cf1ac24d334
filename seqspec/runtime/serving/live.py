"""Partial texts of a recording while it is still being sent.

A model that streams hears each part once and keeps its state.  Of any other CTC model what has come in is
read again from its beginning, each time that it has grown by a quarter: no state is kept between readings,
and the last text is that of the whole recording, to the bit.  All readings together cost five times the last
one at most.
"""

from __future__ import annotations

import asyncio
import io
import json
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from seqspec.compile.plan.streaming import Latency, latency_of
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.listening.endpoint import EndRules
from seqspec.runtime.prediction.listening.recognizer import Utterance, recognizer_of
from seqspec.runtime.prediction.listening.sample_pipe import pcm
from seqspec.runtime.serving.limits import Limits, Refused
from seqspec.runtime.serving.requests import number_of
from seqspec.runtime.serving.served_model import Served, Upload
from seqspec.schema.types import Logits, Waveform

GROWN = 1.25
"""Times what was read last, before it is read again."""
FIRST_SECONDS = 0.5
WIDTH = 2
"""Bytes of a sample."""
SHORTEST = {"end_silence": 0.01, "max_utterance": 0.1}
"""Seconds, at least, that each parameter may say where an utterance ends; at most a recording's."""


def require_live(served: Served) -> int:
    """The rate of samples that the model hears; raises ``Refused`` for other models than CTC recognisers."""
    gives = served.opened.run.compiled.plan.node("model").gives
    source = served.opened.predictor.source
    if not (isinstance(source, Waveform) and isinstance(gives, Logits) and gives.blank):
        raise Refused(
            415, f"the model `{served.name}` is no CTC recogniser: send whole inputs to /v1/predict"
        )
    return source.rate


def end_rules(query: QueryParams, served: Served, limits: Limits) -> EndRules | None:
    """Where utterances end, by the query's ``end_silence`` and ``max_utterance``; ``None`` where it names
    neither.  Raises ``Refused`` for another parameter, a number out of bounds, and a model that does not
    stream.
    """
    given = dict(query)
    if len(given) < len(query.multi_items()):
        raise Refused(422, "a parameter of the query is given twice")
    unknown = sorted(given.keys() - {"model", *SHORTEST})
    if unknown:
        known = ", ".join(["model", *SHORTEST])
        raise Refused(422, f"there is no parameter `{unknown[0][:40]}`; there are {known}")
    seconds = {name: _seconds(given, name, limits) for name in SHORTEST if name in given}
    if not seconds:
        return None
    if not _streams(served):
        message = f"`{next(iter(seconds))}` is for models that stream; `{served.name}` reads the whole again"
        raise Refused(422, message)
    return EndRules(seconds.get("end_silence"), seconds.get("max_utterance"))


def _seconds(given: dict[str, str], name: str, limits: Limits) -> float:
    try:
        value: object = float(given[name])
    except ValueError:
        value = given[name]
    return float(number_of({name: value}, name, default=0, low=SHORTEST[name], high=limits.max_seconds))


def _streams(served: Served) -> bool:
    return isinstance(latency_of(served.opened.run.program.plan), Latency)


class Live(Response):
    """Server-sent events that are answered while the request's body is still read."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self.events = events

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for event in self.events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
        except ClientDisconnect:
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def texts(
    request: Request,
    served: Served,
    limits: Limits,
    *,
    read: Callable[[Any], Awaitable[str]],
    wait: Callable[[Any], Awaitable[Any]],
    rules: EndRules | None = None,
) -> AsyncIterator[bytes]:
    """``{"partial": text}`` wherever the text has changed, ``{"text": text}`` at the end, then ``[DONE]``;
    with ``rules`` one ``{"text", "begin", "seconds"}`` for each utterance, as ``predict --stream`` has them.

    The body is 16-bit little-endian PCM of one channel at the model's rate.  ``wait`` waits for a future of
    the model, ``read`` for one that is a prediction and gives its text.
    """
    rate = require_live(served)
    parts = _parts(request, limits, most=int(limits.max_seconds * rate) * WIDTH)
    if _streams(served):
        found = _followed(parts, served, wait, rules)
    else:
        found = _read_again(parts, served, limits, rate, read)
    told = ""
    try:
        async for event in found:
            text = event.get("partial", "")
            if text != told or "text" in event:
                yield _event(event)
            told = text
    except Refused as error:
        yield _event({"error": {"message": error.message, "type": error.kind}})
    yield b"data: [DONE]\n\n"


Events = AsyncIterator[dict[str, Any]]
"""``partial``, what is understood by now, or ``text``, that of a whole utterance or recording."""


async def _read_again(
    parts: AsyncIterator[bytes],
    served: Served,
    limits: Limits,
    rate: int,
    read: Callable[[Any], Awaitable[str]],
) -> Events:
    """Of a model that needs the whole: of all that has come, each time that it has grown by a quarter."""
    heard, last = bytearray(), FIRST_SECONDS * rate * WIDTH / GROWN
    async for part in parts:
        heard += part
        if len(heard) >= GROWN * last:
            last = len(heard)
            yield {"partial": await read(served.submit([_recording(heard, rate, limits)]))}
    if len(heard) < WIDTH:
        raise Refused(422, "the recording is empty")
    yield {"text": await read(served.submit([_recording(heard, rate, limits)]))}


async def _followed(
    parts: AsyncIterator[bytes],
    served: Served,
    wait: Callable[[Any], Awaitable[Any]],
    rules: EndRules | None,
) -> Events:
    """Of a model that streams: each part is heard once."""
    listener, held, ended = recognizer_of(served.opened).listen(rules=rules), b"", 0
    async for part in parts:
        held += part
        whole = len(held) // WIDTH * WIDTH
        samples, held = pcm(held[:whole]), held[whole:]
        news = len(samples) and await wait(served.alone(partial(listener.hear, samples)))
        for utterance in listener.take():
            ended += 1
            yield _spoken(utterance)
        if news:
            yield {"partial": listener.text}
    if not listener.samples:
        raise Refused(422, "the recording is empty")
    if not listener.frames:
        raise Refused(422, "the recording is too short: not one frame of its features fits")
    last = await wait(served.alone(listener.end))
    for utterance in listener.take():
        ended += 1
        yield _spoken(utterance)
    if rules is None:
        yield {"text": last.text}
    elif last.ids or not ended:
        yield _spoken(last)


def _spoken(utterance: Utterance) -> dict[str, Any]:
    """With seconds of the recording."""
    return {
        "text": utterance.text, "begin": round(utterance.begin, 3), "seconds": round(utterance.end, 3)
    }  # fmt: skip


async def _parts(request: Request, limits: Limits, *, most: int) -> AsyncIterator[bytes]:
    """The body as it comes, at the pace of speech or faster."""
    parts, size = aiter(request.stream()), 0
    until = time.monotonic() + limits.max_seconds + limits.read_seconds
    while True:
        left = min(limits.read_seconds, until - time.monotonic())
        try:
            part = await asyncio.wait_for(anext(parts), max(left, 0))
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refused(408, "the recording did not come in in time", kind="timeout") from None
        size += len(part)
        if size > most:
            message = f"a recording has at most {limits.max_seconds:g} seconds"
            raise Refused(413, message, kind="too_large")
        yield part


def _recording(heard: bytearray, rate: int, limits: Limits) -> Input:
    """What has come in so far as a file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(WIDTH)
        out.setframerate(rate)
        out.writeframes(heard[: len(heard) // WIDTH * WIDTH])
    return Input(Upload(file.getvalue(), limits.max_seconds), "live")  # type: ignore[arg-type]


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"

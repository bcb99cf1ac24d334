"""The HTTP interface: what answers each path, and how errors look.

Every error is ``{"error": {"message", "type"}}``; nothing of the server's files or code stands in it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from seqspec.components.predictions import AudioPrediction, LabelPrediction, TextPrediction
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.runtime.serving.limits import Limits, Refused
from seqspec.runtime.serving.live import Live, end_rules, require_live, texts
from seqspec.runtime.serving.metrics import Labels, Metrics
from seqspec.runtime.serving.openapi import document
from seqspec.runtime.serving.request_target import AbsoluteTargets
from seqspec.runtime.serving.requests import (
    form_of,
    inputs_of_form,
    inputs_of_json,
    known_fields,
    model_of,
    number_of,
    read_json,
)
from seqspec.runtime.serving.served_model import Served, prediction_json, text_input, value_file
from seqspec.runtime.serving.streaming import Asked, Ended, Writer

Handler = Callable[[Request], Awaitable[Response]]
PREDICTION = frozenset({"model", "inputs", "fields"})
SPEECH = frozenset({"model", "input", "voice", "response_format"})
COMPLETION = frozenset({"model", "prompt", "max_tokens", "temperature", "seed", "stream"})
OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token."""


class Server:
    """The models, limits and counts behind the routes."""

    def __init__(
        self, models: Mapping[str, Served], *, limits: Limits, metrics: Metrics, token: str | None = None,
        hosts: frozenset[str] | None = None,
    ) -> None:  # fmt: skip
        """``token`` is asked of every request where it is given; ``hosts`` are the names that a request may
        call this machine by (a page elsewhere must not reach it under another).
        """
        self.models = dict(models)
        self.limits = limits
        self.metrics = metrics
        self.token = token
        self.hosts = hosts
        self.ready = True

    def app(self) -> Starlette:
        """The application for an ASGI server."""
        routes = [
            self._route("/healthz", self.health, "GET"),
            self._route("/readyz", self.readiness, "GET"),
            self._route("/metrics", self.prometheus, "GET"),
            self._route("/openapi.json", self.openapi, "GET"),
            self._route("/v1/models", self.listing, "GET"),
            self._route("/v1/predict", self.predict, "POST"),
            self._route("/v1/audio/transcriptions", self.transcribe, "POST"),
            self._route("/v1/audio/speech", self.speak, "POST"),
            self._route("/v1/audio/live", self.live, "POST"),
            self._route("/v1/completions", self.complete, "POST"),
        ]
        handlers: Any = {HTTPException: _no_route, 404: _no_route, 405: _no_route}
        targets = [Middleware(AbsoluteTargets)]
        return Starlette(
            routes=routes, middleware=targets, exception_handlers=handlers, lifespan=self._life
        )  # fmt: skip

    @asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncIterator[None]:
        yield
        self.ready = False
        for served in self.models.values():
            await run_in_threadpool(served.batcher.stop)

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        async def guarded(request: Request) -> Response:
            begin = time.perf_counter()
            request.state.model = "none"
            try:
                self._admit(request)
                response = await handler(request)
            except Refused as error:
                response = refusal(error)
            except ClientDisconnect:
                response = Response(status_code=499)
            except Exception as error:  # Told in a line of the log by whoever raised it.
                print(f"error: {path} failed: {type(error).__name__}", flush=True)
                response = refusal(Refused(500, "the server failed; its log says more", kind="server_error"))
            labels = {"model": request.state.model, "path": path}
            self.metrics.add("seqspec_requests_total", status=str(response.status_code), **labels)
            self.metrics.took(time.perf_counter() - begin, **labels)
            return response

        return Route(path, guarded, methods=[method])

    def _admit(self, request: Request) -> None:
        # HTTP/1.0 may leave the name out (health checks do); a browser, whose pages are meant, never does.
        host = request.headers.get("host")
        if self.hosts is not None and host is not None and _name(host) not in self.hosts:
            raise Refused(421, "this server does not go by that name", kind="forbidden")
        # Not `request.url`, which is made of the header Host too.
        if self.token is None or request.scope["path"] in OPEN:
            return
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise Refused(401, "send the header `Authorization: Bearer TOKEN`", kind="unauthorized")

    async def health(self, request: Request) -> Response:
        """Whether the process lives."""
        return JSONResponse({"status": "ok"})

    async def readiness(self, request: Request) -> Response:
        """Whether it takes work: not while it stops."""
        return JSONResponse({"status": "ready" if self.ready else "stopping"}, 200 if self.ready else 503)

    async def prometheus(self, request: Request) -> Response:
        """Counts and times."""
        waiting: dict[Labels, float] = {
            (("model", name),): float(one.batcher.waiting) for name, one in self.models.items()
        }
        text = self.metrics.text({"seqspec_queue_inputs": waiting})
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def openapi(self, request: Request) -> Response:
        """The interface as an OpenAPI document."""
        return JSONResponse(document(self.models, self.limits, token=self.token is not None))

    async def listing(self, request: Request) -> Response:
        """The models."""
        return JSONResponse({"object": "list", "data": [one.about for one in self.models.values()]})

    async def predict(self, request: Request) -> Response:
        """Texts as JSON, recordings and images as a form."""
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            async with form_of(request, self.limits) as form:
                served = self._model(request, form.get("model"))
                inputs = await inputs_of_form(form, served)
        else:
            given = await read_json(request, self.limits, known=PREDICTION)
            served = self._model(request, given.get("model"))
            inputs = await inputs_of_json(given, served)
        found = await self._wait(served.submit(inputs))
        return JSONResponse({"model": served.name, "predictions": [prediction_json(one) for one in found]})

    async def transcribe(self, request: Request) -> Response:
        """One recording to text, in the shape that other services have made usual."""
        async with form_of(request, self.limits) as form:
            served = self._model(request, form.get("model"))
            if served.takes != "audio":
                raise Refused(415, f"the model `{served.name}` takes {served.takes}, not recordings")
            form_format = form.get("response_format", "json")
            if form_format not in ("json", "text"):
                raise Refused(422, "`response_format` must be json or text")
            inputs = await inputs_of_form(FormData([("file", form.get("file") or "")]), served)
        (found,) = await self._wait(served.submit(inputs))
        text = _text(found)
        return PlainTextResponse(text + "\n") if form_format == "text" else JSONResponse({"text": text})

    async def speak(self, request: Request) -> Response:
        """A text to a recording, in the shape that other services have made usual."""
        given = await read_json(request, self.limits, known=SPEECH)
        served = self._model(request, given.get("model"))
        if served.takes != "text":
            raise Refused(415, f"the model `{served.name}` takes {served.takes}, not texts")
        if given.get("response_format", "wav") != "wav":
            raise Refused(422, "`response_format` must be wav")
        told = {} if given.get("voice") is None else known_fields({"speaker": given["voice"]}, served)
        one = text_input(given.get("input"), served.limits, place="`input`", given=told)
        if not one.name.strip():
            raise Refused(422, "`input` is empty")
        (found,) = await self._wait(served.submit([one]))
        if found.error is not None:
            raise Refused(422, found.error.message)
        sound = found.hypotheses[0] if found.hypotheses else None
        if not isinstance(sound, AudioPrediction):
            raise Refused(415, f"the model `{served.name}` does not speak: use /v1/predict")
        return Response(await run_in_threadpool(value_file, sound), media_type="audio/wav")

    async def live(self, request: Request) -> Response:
        """Partial texts of a recording that is still being sent."""
        served = self._model(request, request.query_params.get("model"))
        _check_samples(request.headers.get("content-type", ""), rate=require_live(served))
        rules = end_rules(request.query_params, served, self.limits)

        async def read(future: Any) -> str:
            return _text((await self._wait(future))[0])

        return Live(texts(request, served, self.limits, read=read, wait=self._wait, rules=rules))

    async def complete(self, request: Request) -> Response:
        """A language model goes on from a prompt, at once or token by token."""
        given = await read_json(request, self.limits, known=COMPLETION)
        served = self._model(request, given.get("model"))
        if served.takes != "prompt":
            raise Refused(415, f"the model `{served.name}` takes {served.takes}: use /v1/predict")
        asked = _asked(given, self.limits)
        stream = given.get("stream", False)
        if not isinstance(stream, bool):
            raise Refused(422, "`stream` must be true or false")
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        writer = Writer(served, asked, lambda text: _put(loop, pieces, text))
        future = served.alone(writer)
        future.add_done_callback(lambda _: _put(loop, pieces, None))
        if stream:
            return StreamingResponse(
                self._events(served, writer, future, pieces), media_type="text/event-stream",
                headers={"cache-control": "no-store"},
            )  # fmt: skip
        try:
            ended = await self._wait(future)
        finally:
            writer.cancelled.set()
        text = "".join(iter(lambda: pieces.get_nowait() or "", ""))
        return JSONResponse(_completion(served, text, ended))

    async def _events(
        self, served: Served, writer: Writer, future: Any, pieces: asyncio.Queue[str | None]
    ) -> AsyncIterator[bytes]:
        """Server-sent events: a piece of text each, then why it ended, then ``[DONE]``."""
        until = time.monotonic() + self.limits.timeout_seconds
        try:
            while True:
                piece = await asyncio.wait_for(pieces.get(), max(until - time.monotonic(), 0))
                if piece is None:
                    break
                if piece:
                    yield _event(_completion(served, piece, None))
            yield _event(_completion(served, "", future.result()))
        except TimeoutError:
            yield _event({"error": {"message": "it took too long", "type": "timeout"}})
        except Exception:  # The model's thread has told the log.
            yield _event({"error": {"message": "the server failed", "type": "server_error"}})
        finally:
            writer.cancelled.set()
            future.cancel()
        yield b"data: [DONE]\n\n"

    def _model(self, request: Request, name: object) -> Served:
        served = model_of(self.models, name)
        request.state.model = served.name
        return served

    async def _wait(self, future: Any) -> Any:
        """The result, or 504; work that nobody waits for any more is not begun."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.limits.timeout_seconds)
        except TimeoutError:
            raise Refused(504, f"there was no answer within {self.limits.timeout_seconds:g} seconds",
                          kind="timeout") from None  # fmt: skip


def _name(host: str) -> str:
    """Of a header Host, without its port."""
    end = host.find("]") + 1 if host.startswith("[") else 0
    return (host[:end] or host.partition(":")[0]).lower()


def refusal(error: Refused) -> Response:
    """How every error looks."""
    headers = {"retry-after": "1"} if error.status == 503 else {}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    if error.status in (408, 413):
        headers["connection"] = "close"
    # A request's own words may stand in it, and JSON can write half a surrogate pair where UTF-8 cannot.
    message = error.message.encode("utf-8", "backslashreplace").decode()
    body = {"error": {"message": message, "type": error.kind}}
    return JSONResponse(body, error.status, headers)


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    told = {404: "there is nothing here; /openapi.json says what there is",
            405: "this path has another method; /openapi.json says which"}  # fmt: skip
    return refusal(Refused(status, told.get(status, "the request cannot be answered"), kind="not_found"))


def _text(one: Prediction) -> str:
    if one.error is not None:
        raise Refused(422, one.error.message)
    best = one.hypotheses[0] if one.hypotheses else None
    return best.text if isinstance(best, TextPrediction | LabelPrediction) else ""


def _asked(given: Mapping[str, Any], limits: Limits) -> Asked:
    prompt = text_input(given.get("prompt", ""), limits, place="`prompt`").name
    tokens = number_of(given, "max_tokens", default=64, low=1, high=limits.max_tokens, whole=True)
    temperature = number_of(given, "temperature", default=0.0, low=0, high=10)
    seed = number_of(given, "seed", default=0, low=0, high=2**32 - 1, whole=True)
    return Asked(prompt, tokens, float(temperature), seed)


def _check_samples(content_type: str, *, rate: int) -> None:
    """Raises ``Refused`` for samples other than the model's, by the parameters of RFC 2586."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind != "audio/l16":
        raise Refused(415, f"the body must be `audio/l16`, little-endian, not `{kind[:60] or 'nothing'}`")
    told = dict(one.partition("=")[::2] for one in parameters)
    for name, expected in {"rate": str(rate), "channels": "1"}.items():
        if told.get(name, expected) != expected:
            raise Refused(415, f"`{name}` of the body must be {expected}, not {told[name][:20]}")


def _completion(served: Served, text: str, ended: Ended | None) -> dict[str, Any]:
    reason = None if ended is None else ended.reason
    found: dict[str, Any] = {
        "object": "text_completion",
        "model": served.name,
        "choices": [{"index": 0, "text": text, "finish_reason": reason}],
    }
    if ended is not None:
        found["usage"] = {"prompt_tokens": ended.prompt_tokens, "completion_tokens": ended.tokens}
    return found


def _event(value: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"


def _put(loop: asyncio.AbstractEventLoop, pieces: asyncio.Queue[str | None], piece: str | None) -> None:
    """From the model's thread; a loop that has ended listens no more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

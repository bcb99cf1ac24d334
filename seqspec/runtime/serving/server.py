"""uvicorn around the application: loopback unless a token is set, slow clients closed, signals obeyed."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.machine import pin
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.runtime.serving.app import Server, refusal
from seqspec.runtime.serving.limits import Limits, Refused
from seqspec.runtime.serving.metrics import Metrics
from seqspec.runtime.serving.served_model import Served, serve_run
from seqspec.schema.diagnostic import Exit, RunError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SHORTEST_TOKEN = 16
KEPT_SECONDS = 20
"""That a connection without requests is kept.  Clients give theirs up earlier, after 5 or 15 seconds: were it
the other way round, some of their requests would meet a connection that is just being closed.
"""


@dataclass(frozen=True)
class Serving:
    """What ``seqspec serve`` is asked for."""

    runs: Mapping[str, Path]
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    limits: Limits = field(default_factory=Limits)
    checkpoint: str = "best"
    engine: str = "torch"
    threads: int | None = None
    stop_seconds: int = 30
    """How long requests under way may take after the server was told to stop."""


def serve(asked: Serving) -> None:
    """Serves until SIGTERM or SIGINT; requests under way are answered first."""
    check_address(asked)
    with listening(asked) as listener:
        metrics = Metrics()
        models = open_models(asked, metrics)
        pin(threads=asked.threads, exact=False)
        server = uvicorn_server(asked, models, metrics)
        shown = f"[{asked.host}]" if ":" in asked.host else asked.host
        names = ", ".join(f"{name} ({one.takes})" for name, one in models.items())
        print(f"serving {names} on http://{shown}:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
        server.run(sockets=[listener])


def check_address(asked: Serving) -> None:
    """Raises ``RunError`` where others could reach the server without a token."""
    if asked.token is not None and (len(asked.token) < SHORTEST_TOKEN or not asked.token.isascii()):
        raise RunError(f"the token must have {SHORTEST_TOKEN} ASCII characters or more", exit=Exit.USAGE)
    if asked.token is None and not _is_loopback(asked.host):
        raise RunError(
            f"`--host {asked.host}` lets others in, and no token is set",
            exit=Exit.USAGE,
            help="set the environment variable SEQSPEC_TOKEN; clients send `Authorization: Bearer TOKEN`",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def listening(asked: Serving) -> Iterator[socket.socket]:
    """The socket, before models are loaded: a port that is taken is told at once."""
    family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((asked.host, asked.port))
        except (OSError, OverflowError) as error:
            raise RunError(f"{asked.host}:{asked.port} cannot be listened on: {error}", exit=Exit.USAGE,
                           help="choose another with --port or --host") from None  # fmt: skip
        yield listener
    finally:
        listener.close()


def open_models(asked: Serving, metrics: Metrics) -> dict[str, Served]:
    """Every run, opened; of a run of several tasks each, as ``NAME.TASK``."""
    launch = Launch(device="cpu", threads=asked.threads)
    tasks = {name: tuple(compile_run(open_folder(path)).plan.each) for name, path in asked.runs.items()}
    each = [(name, task) for name, found in tasks.items() for task in found]
    return {
        (full := f"{name}.{task}" if task else name): serve_run(
            asked.runs[name], name=full, limits=asked.limits, metrics=metrics, checkpoint=asked.checkpoint,
            engine=asked.engine, launch=launch, task=task or None,
        )
        for name, task in each
    }  # fmt: skip


def uvicorn_server(asked: Serving, models: Mapping[str, Served], metrics: Metrics) -> uvicorn.Server:
    """The server, ready to run."""
    hosts = LOOPBACK_NAMES if _is_loopback(asked.host) else None
    application = Server(models, limits=asked.limits, metrics=metrics, token=asked.token, hosts=hosts)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # What it cannot read is answered.
    config = uvicorn.Config(
        application.app(), log_level="warning", access_log=False, lifespan="on", server_header=False,
        http=_protocol(asked.limits), ws="none", loop="asyncio", h11_max_incomplete_event_size=16_384,
        limit_concurrency=asked.limits.connections, timeout_keep_alive=KEPT_SECONDS, backlog=512,
        timeout_graceful_shutdown=asked.stop_seconds,
    )  # fmt: skip
    return _Stopping(config, application)


class _Stopping(uvicorn.Server):
    """Ends with exit code 0 when it is told to stop; uvicorn itself would die of the signal afterwards."""

    def __init__(self, config: uvicorn.Config, application: Server) -> None:
        super().__init__(config)
        self.application = application

    def handle_exit(self, sig: int, frame: Any) -> None:
        self.application.ready = False
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _protocol(limits: Limits) -> type[H11Protocol]:
    """uvicorn's, which closes connections whose request line and headers do not come in, sends an answer at
    once, and tells every error alike.
    """

    class Punctual(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.transport = JoinedWrites(transport, self.loop)  # type: ignore[assignment]
            self.loop.call_later(limits.read_seconds, self._close_unless_after, None)

        def data_received(self, data: bytes) -> None:
            idle = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
            before = self.cycle
            super().data_received(data)
            # The first bytes of one more request on a kept connection, and not yet all of its headers.
            if idle and before is not None and self.cycle is before and self.conn.trailing_data[0]:
                self.loop.call_later(limits.read_seconds, self._close_unless_after, before)

        def send_400_response(self, msg: str) -> None:
            answer = refusal(Refused(400, "the request cannot be read as HTTP/1.1"))
            headers = [*answer.raw_headers, (b"connection", b"close")]
            head = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def _close_unless_after(self, before: Any) -> None:
            """No request came whole since the one ``before``."""
            if self.cycle is before and not self.transport.is_closing():
                self.transport.close()

    return Punctual


class JoinedWrites:
    """A transport that sends what is written within a turn of the loop at once: the head of an answer and its
    body are written one after the other, and each way into the kernel costs as much as reading a request.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Sends it at the end of this turn."""
        if not data:
            return
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Sends what is left, then closes."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()


def named(runs: Sequence[str]) -> dict[str, Path]:
    """``NAME=RUN`` or ``RUN``, which is called by its experiment; raises ``RunError`` for one name twice."""
    found: dict[str, Path] = {}
    for one in runs:
        name, separator, path = one.partition("=")
        if not separator or "/" in name or Path(one).exists():
            path, name = one, Path(one).resolve().parent.name
        if name in found:
            raise RunError(f"two models would be called `{name}`", exit=Exit.USAGE, help="write NAME=RUN")
        found[name] = Path(path)
    return found

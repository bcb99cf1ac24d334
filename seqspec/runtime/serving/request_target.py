"""Targets of requests in absolute form (``GET http://localhost:8000/healthz``): RFC 9112, section 3.2.2."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send


class AbsoluteTargets:
    """Gives the application the path of such a target, and its host in place of the header's (RFC 9112,
    section 3.3).  Of another scheme than ``http`` there is nothing here (RFC 9110, section 7.4).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = _in_origin_form(scope)
        await self.app(scope, receive, send)


def _in_origin_form(scope: Scope) -> Scope:
    scheme, separator, rest = scope["raw_path"].partition(b"://")
    authority, _, path = rest.partition(b"/")
    if scheme.lower() != b"http" or not separator or not authority:
        return scope
    path = b"/" + path
    headers = [(b"host", authority), *((name, value) for name, value in scope["headers"] if name != b"host")]
    return {**scope, "raw_path": path, "path": unquote(path.decode("ascii")), "headers": headers}

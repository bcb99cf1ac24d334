"""A small web server on this machine that can misbehave."""

from __future__ import annotations

import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


def archive(name: str = "Corpus/a.txt", size: int = 200_000) -> bytes:
    """A tar of one file."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = size
        tar.addfile(info, io.BytesIO(bytes(range(256)) * (size // 256 + 1)))
    return raw.getvalue()


@dataclass
class Site:
    """What the server gives, and what it was asked."""

    content: bytes = field(default_factory=archive)
    etag: str = '"1"'
    break_after: int | None = None
    """Close the connection after so many bytes of each answer."""
    ranges: bool = True
    redirect: str | None = None
    status: int = 200
    failures: int = 0
    """Answers of 503 before the first good one."""
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self):
        site = self.site
        wanted = self.headers.get("Range")
        site.asked.append(wanted)
        if site.redirect and self.path != "/moved.tar":
            self.send_response(302)
            self.send_header("Location", site.redirect)
            self.end_headers()
            return
        if site.failures:
            site.failures -= 1
            self.send_error(503)
            return
        if site.status != 200:
            self.send_error(site.status)
            return
        start = 0
        if wanted and site.ranges and self.headers.get("If-Range") == site.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(site.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(site.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
        else:
            self.send_response(200)
        body = site.content[start:]
        self.send_header("ETag", site.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if site.break_after is None else body[: site.break_after])

    def log_message(self, *args):
        pass


@contextmanager
def serving() -> Iterator[Site]:
    """A site at ``site.url`` while the block runs."""
    site = Site()
    handler = type("Handler", (_Handler,), {"site": site})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        site.url = f"http://127.0.0.1:{server.server_port}/corpus.tar"
        yield site
        server.shutdown()
        thread.join()

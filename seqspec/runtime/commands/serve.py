"""``seqspec serve``: what is asked for, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from seqspec.compile.commands import Outcome
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import Exit, RunError

TOKEN = "SEQSPEC_TOKEN"  # noqa: S105
"""The environment variable that holds the token; a command line can be read by others."""


def serve(
    runs: Sequence[str], *, host: str, port: int, checkpoint: str, engine: str, max_batch: int,
    wait_ms: float, max_queue: int, timeout: float, max_body_mb: float, max_characters: int,
    max_seconds: float, threads: int | None,
) -> Outcome:  # fmt: skip
    """Serves until it is told to stop."""

    def work() -> Outcome:
        for package in ("starlette", "uvicorn", "python_multipart"):
            if find_spec(package) is None:
                raise RunError(f"`seqspec serve` needs the package `{package}`, which is not installed",
                               exit=Exit.USAGE, help="pip install 'seqspec-compiler[serve]'")  # fmt: skip
        for one in runs:
            open_folder(Path(one if Path(one).exists() else one.partition("=")[2] or one))
        from seqspec.runtime.serving.limits import Limits
        from seqspec.runtime.serving.server import Serving, named
        from seqspec.runtime.serving.server import serve as go

        limits = Limits(
            max_batch=max_batch, wait_seconds=wait_ms / 1000, max_queue=max_queue, timeout_seconds=timeout,
            max_body=int(max_body_mb * 2**20), max_characters=max_characters,
            max_seconds=max_seconds,
        )  # fmt: skip
        go(
            Serving(
                named(runs), host, port, os.environ.get(TOKEN) or None, limits, checkpoint, engine, threads
            )
        )
        return Outcome()

    return guarded(work)

"""The engines that a job can be written for: the files of this folder."""

from __future__ import annotations

import subprocess
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

from seqspec.data.store.durable import writing
from seqspec.runtime.jobs.placement import Command, Placement, Submission
from seqspec.schema.diagnostic import Exit, RunError

EngineName = Literal["slurm", "kubernetes", "skypilot", "ray"]


class Engine(Protocol):
    """What a file of this folder offers."""

    SUFFIX: str
    """Of the file that the client reads."""

    def job(self, placement: Placement, command: Command) -> str:
        """The text of that file; raises ``RunError`` for what the engine cannot be told."""
        ...

    def submission(self, path: str, placement: Placement) -> Submission:
        """How the client is called; raises ``RunError`` where a variable is not here to be handed over."""
        ...


def engine(name: EngineName) -> Engine:
    """The engine of that name."""
    return cast(Engine, import_module(f"seqspec.runtime.jobs.{name}"))


def submit(name: EngineName, text: str, path: Path, placement: Placement) -> str:
    """Write the file and hand it to the engine's client; gives what the client says."""
    command, given = engine(name).submission(str(path), placement)
    with writing(path, help="name another place with --output"):
        path.write_text(text, encoding="utf-8")
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RunError(
            f"`{command[0]}` is not installed here", exit=Exit.USAGE,
            help=f"{path} is written; submit it where `{' '.join(command)}` can run",
        ) from None  # fmt: skip
    if done.returncode:
        said = _without_trace(done.stderr or done.stdout)
        raise RunError(f"`{' '.join(command)}` failed ({done.returncode}): {said}", exit=Exit.USAGE,
                       help=f"{path} is written")  # fmt: skip
    return done.stdout


def _without_trace(said: str) -> str:
    """What a client says, but for the places in its own code."""
    if "Traceback (most recent call last)" not in said:
        return said.strip()
    lines = (line for line in said.splitlines() if not line.startswith((" ", "\t", "Traceback")))
    return "\n".join(lines).strip()

"""Contenders as processes of their own, told when to work: only one works at a time, so that windows alternate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Report = dict[str, Any]


class Gone(Exception):
    """A contender ended by itself; holds the end of what it wrote."""


class Child:
    """One contender; use as a context so that none outlives its parent's interest."""

    def __init__(
        self, command: Sequence[str], *, threads: int, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        hear, to_child = os.pipe()
        from_child, say = os.pipe()
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        variables = os.environ | {"OMP_NUM_THREADS": str(threads), "METER": f"{hear},{say}"}
        self.begun = time.time()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                pass_fds=(hear, say),
                env=variables | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        os.close(hear)
        os.close(say)
        self._to = os.fdopen(to_child, "w", buffering=1)
        self._from = os.fdopen(from_child)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def hear(self) -> Report:
        """The next report."""
        line = self._from.readline()
        if not line:
            self.process.wait()
            end = self.log.read_text(errors="replace").splitlines()[-8:]
            raise Gone(f"{self.log.stem} ended ({self.process.returncode}):\n" + "\n".join(end))
        report: Report = json.loads(line)
        return report

    def ask(self, **order: Any) -> Report:
        """Tells it what to do and waits for its report."""
        self.tell(**order)
        return self.hear()

    def tell(self, **order: Any) -> None:
        self._to.write(json.dumps(order) + "\n")

    def end(self) -> None:
        """Kills it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for file in (self._to, self._from):
            file.close()


def start(name: str, command: Sequence[str], **settings: Any) -> tuple[Child, Report] | None:
    """A contender and its first report; ``None``, said on stderr, where it does not get that far."""
    child = Child(command, **settings)
    try:
        return child, child.hear()
    except Gone as error:
        print(f"{name} is left out: {error}", file=sys.stderr)
        child.end()
        return None

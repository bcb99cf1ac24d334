"""Where a job runs and with what: nothing of it changes a result, so nothing of it enters a digest."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from seqspec.schema.diagnostic import Exit, RunError

RETRY = (Exit.STORAGE, Exit.INTERRUPTED, Exit.TERMINATED)
"""Exit codes after which the same command may well succeed: it goes on from the last checkpoint."""
LOST = (Exit.LOST, 128 + signal.SIGKILL)
"""Codes of a job that lost a process: with its machine, or by a fault that may come back."""
ATTEMPTS = 10
"""How often a job is begun again where it might come to the same end."""
FINAL = (Exit.DIAGNOSTICS, Exit.USAGE, Exit.DATA, Exit.NON_FINITE, Exit.DRIFT)
"""Exit codes that another attempt would only repeat."""
_MEMORY = re.compile(r"[1-9]\d{0,6}(M|G|T)")
_TIME = re.compile(r"(\d{1,3}-)?\d{1,3}:[0-5]\d:[0-5]\d")
_KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Placement:
    """Machines of one job."""

    name: str
    """What the job is called; the experiment's name."""
    nodes: int = 1
    per_node: int = 1
    """Processes a machine, each with a device of its own on ``cuda``."""
    device: str = "cuda"
    cpus: int = 4
    """Cores a process."""
    accelerator: str | None = None
    """Kind of device as the engine names it, such as ``A100``; left out, any."""
    memory: str | None = None
    """Main memory a machine, such as ``64G``; left out, the engine's default."""
    time: str | None = None
    """Wall time, such as ``1-00:00:00``; left out, the engine's default."""
    image: str | None = None
    """Container image with seqspec in it, for engines that start one."""
    env: tuple[str, ...] = field(default=())
    """Environment variables that are handed over, by name; values never stand in a job file."""

    strategy: str = "auto"
    """How the processes share a step: the ``--strategy`` of ``seqspec run``."""
    tensor_parallel: int | None = None
    """Its ``--tensor-parallel``."""
    peers: str | None = None
    """Its ``--peers``: the job is one peer, and is submitted as often as there are to be."""

    def check(self) -> None:
        """Raises ``RunError`` for a value that no engine could read."""
        memory, time = self.memory, self.time
        self._require(memory is None or _MEMORY.fullmatch(memory), "memory", "a size such as 64G")
        self._require(time is None or _TIME.fullmatch(time), "time", "a span such as 12:00:00 or 1-00:00:00")
        kind = self.accelerator
        told = "a name such as A100"
        self._require(kind is None or _KIND.fullmatch(kind), "accelerator", told)
        for name in self.env:
            told = "the name of a variable; its value is taken where the job is submitted"
            self._require(_ENV.fullmatch(name), "env", told)

    def values(self) -> dict[str, str]:
        """Of the variables that are handed over.  Raises ``RunError`` for one that is not set here, where the
        job is submitted.
        """
        for name in self.env:
            if name not in os.environ:
                raise RunError(f"--env {name}: there is no such variable here to hand over", exit=Exit.USAGE,
                               help=f"set {name} and submit again, or leave it out")  # fmt: skip
        return {name: os.environ[name] for name in self.env}

    @property
    def processes(self) -> int:
        """All processes of the job."""
        return self.nodes * self.per_node

    @property
    def gpus(self) -> int:
        """Devices a machine; 0 on ``cpu``."""
        return self.per_node if self.device == "cuda" else 0

    @property
    def label(self) -> str:
        """The name as Kubernetes and others want it (RFC 1035): lower case, digits and hyphens, a letter
        first and no hyphen last.
        """
        found = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return (found if found[:1].isalpha() else f"run-{found}")[:50].strip("-")

    def _require(self, holds: object, field: str, told: str) -> None:
        if not holds:
            value = getattr(self, field)
            raise RunError(f"--{field} takes {told}, and this is {value!r}", exit=Exit.USAGE)


class Submission(NamedTuple):
    """How an engine's client is called."""

    command: Sequence[str]
    given: str = ""
    """What it reads from standard input, where no other user of the machine can see it."""


@dataclass(frozen=True)
class Command:
    """The command that every process of the job starts, again and again until the run is done."""

    spec: str
    runs: str = "runs"
    more: tuple[str, ...] = ()
    """Further arguments of ``seqspec run``: profiles, settings."""

    def arguments(self, placement: Placement) -> list[str]:
        """The arguments of ``seqspec``."""
        found = ["run", self.spec, "--resume", "auto", "--runs", self.runs, *self.more]
        found += ["--device", placement.device]
        if placement.processes > 1:
            found += ["--devices", str(placement.per_node), "--nodes", str(placement.nodes)]
        if placement.strategy != "auto":
            found += ["--strategy", placement.strategy]
        if placement.tensor_parallel is not None:
            found += ["--tensor-parallel", str(placement.tensor_parallel)]
        if placement.peers is not None:
            found += ["--peers", placement.peers]
        return [*found, "--quiet"]

    def line(self, placement: Placement) -> str:
        """The same as one line of a shell."""
        return shlex.join(["seqspec", *self.arguments(placement)])

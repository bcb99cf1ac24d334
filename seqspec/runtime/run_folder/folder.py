"""The run directory: ``runs/<name>/<time>-<digest8>/`` and where everything in it stands."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqspec.data.store.durable import write_durably
from seqspec.schema.diagnostic import Exit, RunError


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run."""

    path: Path

    @property
    def spec(self) -> Path:
        return self.path / "spec.yaml"

    @property
    def plan(self) -> Path:
        return self.path / "plan.txt"

    @property
    def lock(self) -> Path:
        return self.path / "lock.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def speed(self) -> Path:
        return self.path / "speed.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def launch(self) -> Path:
        """How the run was started, for people: the command line, without the environment."""
        return self.path / "launch.json"

    def note(self, name: str, value: Any) -> None:
        """A small JSON file, durably."""
        write_durably(self.path / name, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")

    def read(self, name: str) -> Any:
        """What ``note`` wrote; ``None`` where nothing was."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None


def new_folder(runs: Path, *, name: str, digest: str) -> RunFolder:
    """A fresh directory; two runs of one second get two directories."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    for number in range(1, 1000):
        path = runs / name / (f"{stamp}-{digest[:8]}" + (f"-{number}" if number > 1 else ""))
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        (path / "checkpoints").mkdir()
        (path / "predictions").mkdir()
        return RunFolder(path)
    raise RunError(f"no free name for a run under {runs / name}", exit=Exit.USAGE)


def open_folder(path: Path) -> RunFolder:
    """An existing run directory; raises ``RunError`` where ``path`` is none."""
    if not (path / "spec.yaml").is_file():
        raise RunError(f"{path} is not a run directory: it holds no spec.yaml", exit=Exit.USAGE,
                       help="name the directory that `seqspec run` printed last")  # fmt: skip
    return RunFolder(path)

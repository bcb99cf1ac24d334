"""The run directory: ``runs/<name>/<time>-<digest8>/`` and where everything in it stands."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqspec.data.store.durable import sync_folder, write_durably, writing
from seqspec.runtime.run_folder.documents import read_document
from seqspec.runtime.run_folder.run_owner import owned
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
    def evaluations(self) -> Path:
        """Records of evaluations other than the run's own."""
        return self.path / "evaluations"

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
        """What ``note`` wrote; ``None`` where nothing was.  Raises ``RunError`` where it is no such file."""
        return read_document(self.path, name)


STARTING = ".starting-"
"""How the name of a run directory begins until everything about the run has been written into it."""


def starting_folder(runs: Path, *, name: str) -> RunFolder:
    """A directory beside the runs of ``name`` to describe a new run in; ``publish`` gives it its name.

    So a run that is killed before its first step leaves no run directory.
    """
    with writing(runs / name, help=ELSEWHERE):
        for number in range(1, 1000):
            path = runs / name / f"{STARTING}{os.getpid()}-{number}"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            (path / "checkpoints").mkdir()
            (path / "predictions").mkdir()
            return RunFolder(path)
    raise RunError(f"no free name for a run under {runs / name}", exit=Exit.USAGE)


def publish(folder: RunFolder, *, digest: str) -> RunFolder:
    """The directory under its lasting name; two runs of one second get two names."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    for number in range(1, 1000):
        path = folder.path.with_name(f"{stamp}-{digest[:8]}" + (f"-{number}" if number > 1 else ""))
        try:
            folder.path.rename(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            continue
        sync_folder(path.parent)
        return RunFolder(path)
    raise RunError(f"no free name for a run under {folder.path.parent}", exit=Exit.USAGE)


def sweep_starting(runs: Path, *, name: str) -> int:
    """Take away what runs that were killed before their first step have left; gives how many."""
    left = [path for path in (runs / name).glob(f"{STARTING}*") if path.is_dir() and not path.is_symlink()]
    return sum(_taken_away(path) for path in left)


def _taken_away(path: Path) -> bool:
    lock = path / "LOCK"
    if not (lock.is_file() and lock.stat().st_size):  # Its run may be about to take the lock.
        return False
    try:
        with owned(path, patience=0.0):
            shutil.rmtree(path, ignore_errors=True)
    except (RunError, OSError):
        return False  # Its run is just starting, or it is not ours to remove.
    return True


ELSEWHERE = "name another place with --runs"


def require_place(folder: Path, *, help: str = ELSEWHERE) -> None:
    """Raise ``RunError`` where nothing can be written below ``folder``: before hours are spent on what is to
    go there.
    """
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    with writing(folder, help=help):
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        if not os.access(there, os.W_OK | os.X_OK):
            code = errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES
            raise OSError(code, os.strerror(code), str(there))


def open_folder(path: Path) -> RunFolder:
    """An existing run directory; raises ``RunError`` where ``path`` is none."""
    if path.name.startswith(STARTING) and not (path / "lock.json").is_file():
        raise RunError(f"{path} was ended before its first step", exit=Exit.USAGE,
                       help="nothing is lost: begin anew; the next run of that name removes it")  # fmt: skip
    if not (path / "spec.yaml").is_file() and not (path / "checkpoints").is_dir():
        raise RunError(f"{path} is not a run directory: it holds no spec.yaml", exit=Exit.USAGE,
                       help=_run_within(path))  # fmt: skip
    folder = RunFolder(path)
    if not folder.spec.is_file():
        _ended_early(folder)
    return folder


def steps_of(parent: Path) -> list[int]:
    """Steps that have a checkpoint in this folder, sound or not, oldest first."""
    found = (step_of(entry.name) for entry in parent.glob("step-*") if entry.is_dir())
    return sorted(step for step in found if step is not None)


def step_of(name: str) -> int | None:
    """The step that the folder of a checkpoint is named after; ``None`` where it is no such folder."""
    number = name.removeprefix("step-")
    return int(number) if number != name and number.isascii() and number.isdigit() else None


def _run_within(path: Path) -> str:
    """The newest run below a folder of runs: directories of one spec are named by the time of their start."""
    try:
        runs = sorted(
            spec.parent for pattern in ("*/spec.yaml", "*/*/spec.yaml") for spec in path.glob(pattern)
        )
    except OSError:
        runs = []
    if not runs:
        return "name the directory that `seqspec run` printed last"
    newest = max(runs, key=lambda run: run.name)
    count = f"{len(runs):,} runs, the newest" if len(runs) > 1 else "the run"
    return f"it is a folder of runs and holds {count} `{newest}`: name one of them"


def _ended_early(folder: RunFolder) -> None:
    steps = [path for path in folder.checkpoints.iterdir() if path.name.startswith("step-")]
    if steps:
        raise RunError(f"{folder.path} has lost its spec.yaml", exit=Exit.STORAGE,
                       help="put it back from a copy of the run directory")  # fmt: skip
    raise RunError(f"{folder.path} was ended before its first step: it holds no spec.yaml", exit=Exit.USAGE,
                   help="nothing is lost: remove the directory and begin anew")  # fmt: skip

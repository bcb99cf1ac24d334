"""The run that a command started again means: the newest of the same plan."""

from __future__ import annotations

from pathlib import Path

from seqspec.runtime.run_folder.folder import STARTING, RunFolder


def latest(runs: Path, *, name: str, digest: str) -> RunFolder | None:
    """The newest run directory of a plan under ``runs``; ``None`` where there is none."""
    found = sorted(
        (path for path in (runs / name).glob(f"*-{digest[:8]}*") if _is_of(path, digest)), reverse=True
    )
    return RunFolder(found[0]) if found else None


def _is_of(path: Path, digest: str) -> bool:
    """Whether a directory is a run of the plan, not one that only its name makes look like it."""
    if path.name.startswith(STARTING) or path.is_symlink() or not path.is_dir():
        return False
    lock = RunFolder(path).read("lock.json")
    return isinstance(lock, dict) and lock.get("digests", {}).get("all") == digest


def is_finished(folder: RunFolder) -> bool:
    """Whether the run has come to its end, was evaluated and has its report."""
    return isinstance(folder.read("result.json"), dict) and folder.report.is_file()

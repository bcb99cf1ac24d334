"""What must hold of a run directory before the run goes on, and what killed writers have left in it.

The directory may have lost files to a kill or a full disk, or come from a stranger: nothing is opened for
writing here that is a link, a pipe or a device.
"""

from __future__ import annotations

import re
from pathlib import Path

from seqspec.runtime.run_folder.documents import read_json
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.schema.diagnostic import Exit, RunError

_WRITTEN = ("LOCK", "metrics.jsonl", "speed.jsonl", "spec.yaml", "lock.json", "plan.txt", "facts.json")
_FOLDERS = ("checkpoints", "predictions", "events", "vocabularies")
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp")


def require_sound(folder: RunFolder) -> None:
    """Raises ``RunError`` at the first thing that keeps the run from going on."""
    for name in _WRITTEN:
        _regular(folder.path / name)
    for name in _FOLDERS:
        path = folder.path / name
        if path.exists() and not path.is_dir():
            raise _refused(path, "is a file, and a run keeps a folder there", help="take it away")
    for path in folder.checkpoints.glob("step-*"):
        if not path.is_dir():
            raise _refused(
                path, "is a file, and a checkpoint is a folder", help="take it away; the others are used then"
            )
    _begun(folder)


def _regular(path: Path) -> None:
    if path.is_symlink():
        raise _refused(path, "is a link, and what a run writes stays in its directory",
                       help="put the file itself there")  # fmt: skip
    if path.exists() and not path.is_file():
        raise _refused(path, "is no regular file", help="put the file of the run there")


def _begun(folder: RunFolder) -> None:
    """A run that was killed before its first step has nothing that could go on."""
    missing = [path.name for path in (folder.spec, folder.lock) if not path.exists()]
    if missing:
        raise RunError(
            f"{folder.path} was ended before its first step: it holds no {' and no '.join(missing)}",
            exit=Exit.USAGE,
            help=f"nothing is lost: remove the directory and begin anew{_command(folder)}",
        )


def _command(folder: RunFolder) -> str:
    try:
        launch = read_json(folder.launch)
    except RunError:
        return ""
    words = launch.get("command") if isinstance(launch, dict) else None
    return f", by `{' '.join(map(str, words))}`" if isinstance(words, list) and words else ""


def require_journal(folder: RunFolder, *, length: int, step: int) -> None:
    """Raises ``RunError`` where ``metrics.jsonl`` is not the ``length`` whole lines that the checkpoint of
    ``step`` stands on.
    """
    path = folder.metrics
    size = path.stat().st_size if path.exists() else 0
    found = f"holds {size:,} bytes" if path.exists() else "is missing"
    if size < length:
        raise RunError(
            f"{path} {found}, and the checkpoint of step {step:,} stands on {length:,}: "
            "the file was cut short or taken away",
            exit=Exit.STORAGE,
            help="put it back from a copy; `--allow-drift` goes on with what is left of it",
        )
    read_journal(path, length=length)


def sweep_temporary(folder: RunFolder) -> int:
    """Take away what writers that were killed have left beside their files; gives how many."""
    places = (folder.path, folder.predictions, folder.path / "vocabularies")
    left = [
        path
        for place in places
        if place.is_dir()
        for path in place.iterdir()
        if _TEMPORARY.fullmatch(path.name) and (path.is_symlink() or path.is_file())
    ]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _refused(path: Path, why: str, *, help: str) -> RunError:
    return RunError(f"{path} {why}", exit=Exit.STORAGE, help=help)

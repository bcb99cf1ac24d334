"""What decides a corpus's records beside the spec and its files, such as a folder's chat template, as the
lock holds it; a run must read its inputs by the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from seqspec.data.stages.parts import DataParts
from seqspec.runtime.run_folder.documents import read_json
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.schema.diagnostic import Exit, RunError

RECORDS = "records"
"""What the lock calls them."""


def record_digests(parts: DataParts) -> dict[str, str]:
    """SHA-256 of each, by what it is; of most corpora there is none.  Raises ``DataError`` where it cannot be
    read.
    """
    found: Callable[[], Mapping[str, str]] | None = getattr(parts.adapter, "more_fingerprint", None)
    return {} if found is None else dict(found())


def require_records(folder: RunFolder, parts: DataParts, *, task: str) -> None:
    """Raises ``RunError`` where one of them is not what the run was trained with.  Runs that were locked
    before locks held them are taken as they are.
    """
    locked = locked_records(folder, task=task)
    if not locked:
        return
    for what, digest in record_digests(parts).items():
        if what in locked and locked[what] != digest:
            raise RunError(
                f"the {what} of the corpus is not the one that this run was trained with: "
                f"{str(locked[what])[:12]} in the lock, {digest[:12]} now",
                exit=Exit.DRIFT,
                help=f"inputs would be read in another form; put the {what} back as it was",
            )


def locked_records(folder: RunFolder, *, task: str) -> Mapping[str, Any]:
    """Those of a run's lock, of one task."""
    lock = read_json(folder.lock)
    held = lock.get(RECORDS) if isinstance(lock, dict) else None
    found = held.get(task) if isinstance(held, dict) else None
    return found if isinstance(found, dict) else {}

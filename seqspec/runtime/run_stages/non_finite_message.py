"""The message of a run that a number which is not finite has stopped."""

from __future__ import annotations

from typing import Any

from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.retention import steps_of
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.stop_reasons import NotFinite
from seqspec.schema.diagnostic import Exit, RunError


def not_finite_error(error: NotFinite, folder: RunFolder, assembled: Assembled) -> RunError:
    split = assembled.each[error.task].prepared.splits["train"]
    rows: list[dict[str, Any]] = [
        {"micro_step": micro, "examples": [split.id(index) for index in rows]} for micro, rows in error.rows
    ]
    phase = {"phase": error.phase} if error.phase else {}
    phase |= {"task": error.task} if error.task else {}
    folder.note("not_finite.json", {"step": error.step, **phase, "batches": rows})
    shown = ", ".join(split.id(index) for index in error.rows[-1][1][:8])
    steps = steps_of(folder.checkpoints)
    last = f"the last good checkpoint is {folder_name(steps[-1])}" if steps else "there is no checkpoint yet"
    return RunError(
        f"{error}; the batch holds {shown}{', …' if len(error.rows[-1][1]) > 8 else ''}; {last}",
        exit=Exit.NON_FINITE,
        help=f"every id is in {folder.path / 'not_finite.json'}; "
        f"`seqspec run --resume {folder.path}` replays the step; "
        f"{error.remedy}",
    )

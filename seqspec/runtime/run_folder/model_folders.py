"""What the model folders of a run have said, ``folders.json``: a run is used without them once it has
weights.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seqspec.compile.infer.flow import on_disk
from seqspec.compile.plan.plan import Plan
from seqspec.runtime.run_folder.documents import read_json
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.hugging_face_folder import Folder
from seqspec.schema.pretrained import Pretrained

NAME = "folders.json"


def save_folders(folder: RunFolder, plan: Plan) -> None:
    """Keep the settings of every folder that a part of the plan comes from, by how the spec names it."""
    configs = (plan.config(node.path) for node in plan.nodes)
    written = {c.folder for c in configs if isinstance(c, Pretrained) and c.folder is not None}
    found = {name: opened.settings for name in sorted(written) if (opened := on_disk(name)) is not None}
    if found:
        folder.note(NAME, (folder.read(NAME) or {}) | found)


def read_folders(run: Path) -> Callable[[str], Folder | None]:
    """Opens a folder as the run knew it; one that it did not know, on this machine."""
    if not (run / NAME).exists():
        return on_disk
    found = read_json(run / NAME)
    if (
        not isinstance(found, dict)
        or not found
        or not all(isinstance(settings, dict) for settings in found.values())
    ):
        raise RunError(f"{run / NAME} is not what a run writes", exit=Exit.STORAGE,
                       help="put the file back from a copy of the run directory")  # fmt: skip

    def opened(written: str) -> Folder | None:
        return Folder(found[written], {}) if written in found else on_disk(written)

    return opened

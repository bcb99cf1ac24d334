"""``seqspec demo``: a page to try a run on."""

from __future__ import annotations

import sys
from pathlib import Path

from seqspec.compile.commands import Outcome
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.demo.page import require_gradio
from seqspec.runtime.run_folder.folder import open_folder


def demo(run: Path, *, port: int, checkpoint: str, threads: int | None, task: str | None = None) -> Outcome:
    """Shows the page until it is interrupted."""

    def work() -> Outcome:
        require_gradio()
        open_folder(run)
        from seqspec.runtime.demo.page import show
        from seqspec.runtime.demo.trial import open_trial

        trial = open_trial(run, checkpoint=checkpoint, threads=threads, task=task)
        shown = show(trial, port=port)
        print(f"showing {trial.title} on http://127.0.0.1:{port}", file=sys.stderr, flush=True)
        shown.block_thread()
        return Outcome()

    return guarded(work)

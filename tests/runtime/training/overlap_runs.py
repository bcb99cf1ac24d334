"""What the processes do that ``test_overlap.py`` starts: ``SPEC FOLDER``.  A whole run in one process; one of two
processes, of which the second is asked to end, and which goes on in one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

from seqspec.runtime.run import resume
from tests.runtime.training.process_groups import forked, launch_of
from tests.runtime.training.sharded_runs import whole_run


def main(spec: Path, folder: Path) -> None:
    alone = launch_of(1, "auto")
    forked(1, lambda: whole_run(spec, folder / "alone", alone))
    forked(2, lambda: asked_to_end(spec, folder / "asked"))
    stopped = next((folder / "asked").glob("*/2*"))
    (step,) = (path.name.removeprefix("step-") for path in stopped.glob("checkpoints/step-*"))
    (folder / "stopped").write_text(step)
    forked(1, partial(resume, stopped, launch=alone))


def asked_to_end(spec: Path, runs: Path) -> None:
    if os.environ["RANK"] == "1":
        threading.Thread(target=partial(end_after_a_line, runs), daemon=True).start()
    whole_run(spec, runs, launch_of(2, "auto"))


def end_after_a_line(runs: Path) -> None:
    """SIGTERM to this process when the run has a line in its journal."""
    while not any(path.stat().st_size for path in runs.glob("*/2*/metrics.jsonl")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

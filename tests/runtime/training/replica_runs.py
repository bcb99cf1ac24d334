"""What the processes do that ``test_replicas.py`` starts: ``SPEC FOLDER``.  A whole run in one process; one of two
processes that pauses between two meetings, and goes on in one; the whole one as a kill after its first checkpoint
leaves it, which goes on in two.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from seqspec.runtime.run import resume
from tests.runtime.training.process_groups import forked, launch_of
from tests.runtime.training.sharded_runs import cut, whole_run


def main(spec: Path, folder: Path) -> None:
    alone = launch_of(1, "auto")
    forked(1, lambda: whole_run(spec, folder / "alone", alone))
    forked(2, lambda: whole_run(spec, folder / "paused", launch_of(2, "auto", pause_at=4)))
    forked(1, partial(resume, next((folder / "paused").glob("*/2*")), launch=alone))
    killed = cut(next((folder / "alone").glob("*/2*")), folder / "killed", "step-00000006")
    forked(2, partial(resume, killed, launch=launch_of(2, "auto")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

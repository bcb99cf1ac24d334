"""Runs that two processes share: ``SPEC RUNS [SPEC RUNS …]``, before any of them ``--pause STEP``.

One process imports everything and forks the others, so that this is paid for once.
"""

import sys
from functools import partial
from pathlib import Path

from tests.runtime.training.sharded_runs import forked, launch_of, whole_run


def main(words):
    """Each spec in two processes that take turns with the slices of a batch."""
    while words:
        paused = words[0] == "--pause"
        spec, runs = words[2:4] if paused else words[:2]
        launch = launch_of(2, "ddp", **({"pause_at": int(words[1])} if paused else {}))
        forked(2, partial(whole_run, Path(spec), Path(runs), launch))
        words = words[4 if paused else 2 :]


if __name__ == "__main__":
    main(sys.argv[1:])

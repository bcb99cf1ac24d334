"""Runs that two processes share: ``SPEC RUNS [SPEC RUNS …]``.

One process imports everything and forks the others, so that this is paid for once.
"""

import sys
from functools import partial
from pathlib import Path

from tests.runtime.training.sharded_runs import forked, launch_of, whole_run


def main(pairs):
    """Each spec in two processes that take turns with the slices of a batch."""
    for spec, runs in zip(pairs[::2], pairs[1::2], strict=True):
        forked(2, partial(whole_run, Path(spec), Path(runs), launch_of(2, "ddp")))


if __name__ == "__main__":
    main(sys.argv[1:])

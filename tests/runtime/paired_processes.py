"""Runs of other processes than the tests': ``SPEC RUNS`` in two that share the slices of a batch, with ``--pause
STEP`` before it up to a step, with ``--kill UPDATE`` in one that is killed in the middle of an update.

One process imports everything and forks the others, so that this is paid for once.
"""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests import two_tasks
from tests.runtime.training.sharded_runs import forked, launch_of, whole_run


def in_processes(*words):
    """Do what ``words`` say in a process of its own, which must come to its end."""
    command = [sys.executable, "-m", __name__, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr


def main(words):
    """All of them, one after another."""
    while words:
        how, number = (words[0], int(words[1])) if words[0].startswith("--") else ("", 0)
        words = words[2 if how else 0 :]
        spec, runs, words = Path(words[0]), Path(words[1]), words[2:]
        if how == "--kill":
            killed(spec, runs, number)
        else:
            launch = launch_of(2, "ddp", **({"pause_at": number} if how else {}))
            forked(2, partial(whole_run, spec, runs, launch))


def killed(spec, runs, update):
    """Ends when the run was killed; a run that came to its end is an error."""
    child = os.fork()
    if not child:
        two_tasks.main(spec, runs, update)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
        sys.exit("the run was not killed")


if __name__ == "__main__":
    main(sys.argv[1:])

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from seqspec.runtime.run_folder.run_owner import owned
from seqspec.schema.diagnostic import Exit, RunError

HOLD = """
import sys, time
from pathlib import Path
from seqspec.runtime.run_folder.run_owner import owned
with owned(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_owner_leaves_soon_and_learns_who_holds_it(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        begun = time.monotonic()

        with pytest.raises(RunError, match=f"process {holder.pid}") as caught, owned(tmp_path):
            pass

        assert caught.value.exit is Exit.LOCKED
        assert time.monotonic() - begun < 2
    finally:
        holder.kill()
        holder.communicate()


def test_a_holder_that_was_killed_holds_nothing(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()

    holder.kill()
    holder.communicate()

    with owned(tmp_path):
        assert str(holder.pid) not in (tmp_path / "LOCK").read_text()


FORK = """
import os, signal, sys, time
from pathlib import Path
from seqspec.runtime.run_folder.run_owner import owned
with owned(Path(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


def test_children_of_a_holder_that_was_killed_hold_nothing(tmp_path):
    command = [sys.executable, "-c", FORK, str(tmp_path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()

        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()

        with owned(tmp_path):
            pass
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        assert holder.stdout is not None
        holder.stdout.close()

"""Training outlives whoever reads what it prints."""

import io
import os
import subprocess
import sys

import pytest

from seqspec.runtime.devices.unread_output import outliving_readers

PROGRAM = """
import sys
from seqspec.runtime.devices.unread_output import outliving_readers
with outliving_readers():
    sys.stdin.readline()
    for number in range(3):
        print("line", number, file=sys.stderr)
        print("result", number)
        sys.stdout.flush()
open(sys.argv[1], "w").write("done")
"""


@pytest.mark.parametrize("both", [True, False])
def test_what_nobody_reads_goes_nowhere(tmp_path, both):
    done = tmp_path / "done"
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(done)],
        stdin=subprocess.PIPE, stdout=write if both else subprocess.PIPE, stderr=write,
    )  # fmt: skip
    os.close(write)
    os.close(read)
    out, _ = process.communicate(b"go\n")

    assert process.returncode == 0
    assert done.read_text() == "done"
    assert out == (None if both else b"result 0\nresult 1\nresult 2\n")


def test_streams_that_are_read_get_everything_in_order(monkeypatch):
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    print("before")
    with outliving_readers():
        print("within")
    print("after")
    stream.flush()

    assert sys.stdout is stream
    assert buffer.getvalue() == b"before\nwithin\nafter\n"


def test_another_fault_of_a_stream_is_told(monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(Full(), encoding="utf-8"))
    with pytest.raises(OSError, match="No space"), outliving_readers():
        print("x", file=sys.stderr, flush=True)

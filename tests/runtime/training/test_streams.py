"""Loader processes do not outlive what they load for."""

import subprocess
import sys

LEFT = """
from seqspec.data.batching.loader import Loader
from seqspec.runtime.training.streams import deaf

left = iter(deaf(Loader(range(100), workers=1)))
print(next(left))
"""


def test_a_loader_that_is_left_in_the_middle_does_not_hold_up_the_end():
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")

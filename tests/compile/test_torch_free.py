"""The commands that only read and compare start without torch: each in a fresh process."""

import subprocess
import sys

import pytest

from tests.compile.experiments import spec

RUN = """
import sys
from seqspec.cli import app
try:
    app(sys.argv[1:], standalone_mode=False)
except SystemExit as leave:
    assert not leave.code, leave.code
heavy = {"torch", "lightning", "numpy", "yaml._not_there"} & set(sys.modules)
sys.exit(f"loaded {heavy}" if heavy else 0)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["validate", "a.yaml"],
        ["diff", "a.yaml", "a.yaml"],
        ["explain", "a.yaml"],
        ["explain", "a.yaml", "model.decoder.dim"],
        ["explain", "encoder.transformer"],
        ["explain", "SQ101"],
        ["list"],
        ["schema"],
        ["new", "asr"],
    ],
    ids=" ".join,
)
def test_command_loads_no_torch(arguments, tmp_path):
    spec(tmp_path, name="a.yaml")

    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    told = {"validate": done.stderr, "diff": "no difference in meaning\n"}.get(arguments[0], "")
    assert (done.returncode, done.stderr) == (0, told)
    assert done.stdout or arguments[0] in ("diff", "validate")

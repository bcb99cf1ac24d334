"""A working directory that has been deleted is told in one line."""

import subprocess
import sys


def test_a_deleted_working_directory_is_told(tmp_path):
    code = "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); sys.argv[1:] = ['validate']; " \
           "from seqspec.cli import main; main()"  # fmt: skip
    place = tmp_path / "gone"
    place.mkdir()

    found = subprocess.run(
        [sys.executable, "-c", code, str(place)], capture_output=True, text=True, check=False
    )

    assert found.returncode == 2
    assert found.stderr.startswith("error: the working directory has been deleted\n")

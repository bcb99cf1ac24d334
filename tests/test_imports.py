"""Imports go one way: ``cli → runtime → compile → components → data → schema``."""

import subprocess
import sys
from pathlib import Path


def test_imports_go_one_way():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr

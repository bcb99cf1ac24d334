"""A process that is started without standard input or output opens nothing in their place."""

import subprocess
import sys

import pytest

NUMBERS = """
import os, sys
from seqspec import cli

def show():
    file = os.open(os.devnull, os.O_RDONLY)
    os.write(int(sys.argv[1]), f"{file > 2} {sys.stdin.read() if sys.argv[2] == '0' else ''!r}".encode())
    return lambda: None

cli._with = lambda _: show()
cli.main()
"""


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_no_file_takes_the_number_of_a_closed_stream(closed):
    told = 1 if closed != 1 else 2
    command = f'exec "$@" {told} {closed} {closed}>&-'

    found = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-c", NUMBERS], capture_output=True, text=True, check=True
    )

    assert found.stdout + found.stderr == "True ''"

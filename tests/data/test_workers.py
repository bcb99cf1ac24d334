"""Processes that prepare data beside each other, started from a person's own script."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.fakes import pairs, write_corpus

ROOT = Path(__file__).parents[2]
BEGIN = """
from pathlib import Path
import seqspec.data.stages.encoding
from seqspec.data.stages.prepare import prepare
from tests.data.fakes import make_parts

seqspec.data.stages.encoding.BLOCK = 4
"""
CALL = "print(len(prepare(make_parts(Path({corpus!r})), cache=Path({cache!r}), processes=2).splits['train']))"
BARE = BEGIN + CALL + "\n"
GUARDED = BEGIN + 'if __name__ == "__main__":\n    ' + CALL + "\n"

COMMAND = """
import json, sys
from seqspec.cli import app
app(sys.argv[1:], standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture
def run(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", train=pairs(40), dev=pairs(5, start=100))

    def start(script):
        file = tmp_path / "mine.py"
        file.write_text(script.format(corpus=str(corpus), cache=str(tmp_path / "cache")))
        return subprocess.run(
            [sys.executable, str(file)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return start


def test_a_script_without_a_guard_is_told_to_have_one(run):
    done = run(BARE)

    assert done.returncode == 1
    assert "no process that prepares data could start" in done.stderr.splitlines()[-1]
    assert 'if __name__ == "__main__":' in done.stderr.splitlines()[-1]


def test_a_script_with_a_guard_prepares_in_several_processes(run):
    done = run(GUARDED)

    assert (done.returncode, done.stdout) == (0, "40\n"), done.stderr


def test_preparing_text_loads_no_torch(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "data", "prepare", ROOT / "specs" / "lm_shakespeare_char.yaml", "--profile", "tiny"],
        env=os.environ | {"SEQSPEC_CACHE": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert not {"torch", "lightning"} & set(json.loads(done.stdout.splitlines()[-1]))

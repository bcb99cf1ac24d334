"""Processes that prepare data beside each other, started from a person's own script."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.stages.prepare import prepare
from seqspec.data.worker_processes import Workers
from seqspec.schema.diagnostic import DataError
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


def test_few_recordings_start_no_process(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(Workers, "_opened", lambda self: started.append(self))
    spec = ROOT / "specs" / "vocoder_ljspeech_hifigan.yaml"
    tiny = [Overlay.profile("tiny"), Overlay.set("data.source.synthetic=40")]
    parts = build_data(compile_spec(spec, overlays=tiny).plan)

    prepared = prepare(parts, cache=tmp_path, splits=["train"], processes=2)

    assert prepared.splits["train"].records.rows == 40
    assert not started


class Calls:
    """Which process this is, and how often it was called there."""

    calls = 0

    def __call__(self, block):
        self.calls += 1
        return os.getpid(), self.calls


def test_work_and_processes_are_kept():
    with Workers(2) as workers:
        first = list(workers.in_order(Calls(), range(12), count=12))
        second = list(workers.in_order(Calls(), range(12), count=12))

    assert max(calls for _, calls in first) >= 6
    assert len({process for process, _ in [*first, *second]}) <= 2
    assert os.getpid() not in {process for process, _ in first}


def fail_at_three(block):
    if block == 3:
        raise ValueError(block)
    return block


def test_a_stage_that_fails_leaves_processes_for_the_next():
    with Workers(2) as workers:
        with pytest.raises(ValueError, match="3"):
            list(workers.in_order(fail_at_three, range(12), count=12))
        assert list(workers.in_order(abs, range(-12, 0), count=12)) == list(range(12, 0, -1))


def die(block):
    os._exit(1)


def test_a_process_that_dies_is_told_and_replaced():
    with Workers(2) as workers:
        with pytest.raises(DataError, match="died"):
            list(workers.in_order(die, range(12), count=12))
        assert list(workers.in_order(abs, range(12), count=12)) == list(range(12))


WAITING = """
import os, sys, time
from seqspec.data.worker_processes import Workers

def tell(block):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)

if __name__ == "__main__":
    with Workers(2) as workers:
        list(workers.in_order(tell, range(8), count=8))
"""


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    file = tmp_path / "waiting.py"
    file.write_text(WAITING)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(file)], env=environment, stdout=subprocess.PIPE, text=True
    ) as one:
        try:
            processes = [int(one.stdout.readline()) for _ in range(2)]
        finally:
            one.kill()

        one.communicate(timeout=60)  # the end of its output comes when the last that could write has ended
    assert not any(Path(f"/proc/{process}").exists() and running(process) for process in processes)


def running(process):
    return "(zombie)" not in Path(f"/proc/{process}/status").read_text()


def test_preparing_text_loads_no_torch(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "data", "prepare", ROOT / "specs" / "lm_shakespeare_char.yaml", "--profile", "tiny"],
        env=os.environ | {"SEQSPEC_CACHE": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert not {"torch", "lightning"} & set(json.loads(done.stdout.splitlines()[-1]))

"""Files of a run that were emptied, cut or overwritten since: each is named with its line, by every command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from seqspec.runtime.commands.compare import compare, runs
from seqspec.runtime.commands.runs import report
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.schema.diagnostic import Exit, RunError


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    from tests.runtime.run_folder.conftest import Bench

    return Bench(tmp_path_factory.mktemp("bench")).path("name=done", "evaluate.metrics=[chrf]")


@pytest.fixture
def copy(done, tmp_path):
    return Path(shutil.copytree(done, tmp_path / "runs" / "done" / "copy"))


def nul(data: bytes) -> bytes:
    return bytes(len(data))


def cut(data: bytes) -> bytes:
    return data[:-5]


def nul_at_the_end(data: bytes) -> bytes:
    return data + bytes(40)


@pytest.mark.parametrize("name", ["metrics.jsonl", "speed.jsonl", "predictions/dev.jsonl"])
@pytest.mark.parametrize("damage", [nul, cut, nul_at_the_end])
def test_every_command_names_the_file_and_its_line(copy, done, name, damage):
    path = copy / name
    data = path.read_bytes()
    path.write_bytes(damage(data))
    line = {nul: 1, cut: data.count(b"\n"), nul_at_the_end: data.count(b"\n") + 1}[damage]

    reported, compared = report(copy), compare([copy, done], format="text", html=None)
    listed = json.loads(runs(copy.parents[1], format="json").out)[0]

    for outcome in (reported, compared):
        assert outcome.exit == Exit.STORAGE
        assert f"{path}:{line} is not" in outcome.error
    assert f"{path}:{line} is n" in listed["reason"]


@pytest.mark.parametrize("name", ["metrics.jsonl", "speed.jsonl"])
@pytest.mark.parametrize("there", [True, False])
def test_an_emptied_journal_is_told(copy, done, name, there):
    (copy / name).unlink()
    if there:
        (copy / name).touch()

    told = [report(copy).error, compare([copy, done], format="text", html=None).error]
    listed = json.loads(runs(copy.parents[1], format="json").out)[0]

    assert all(f"{copy} has no {name}, or an empty one" in one for one in (*told, listed["reason"]))
    assert listed["state"] == "done"


def test_a_line_that_its_killed_writer_left_is_passed_over(copy):
    path = copy / "metrics.jsonl"
    rows = read_journal(path)
    (copy / "result.json").unlink()
    path.write_bytes(path.read_bytes() + b'{"event": "tra')

    assert read_journal(path) == rows
    with pytest.raises(RunError, match="NUL bytes"):
        path.write_bytes(path.read_bytes() + bytes(8)) and read_journal(path)


def test_a_whole_run_has_lost_nothing(copy):
    from seqspec.runtime.run_folder.lost_files import lost_files

    assert not lost_files(RunFolder(copy))

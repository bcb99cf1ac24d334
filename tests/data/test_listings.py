"""Opening a prepared corpus costs one look at each of its files, and notices every change of them."""

import cProfile
import os
import pstats
import shutil

import pytest

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.components.adapter import tsv
from seqspec.data.stages import recordings
from seqspec.data.stages.prepare import prepare
from seqspec.schema.diagnostic import DataError
from tests.data.test_recordings import DROP, ROWS, prepared, write_corpus

LONG_AGO = (1_000_000, 1_000_000)


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    write_corpus(root)
    (root / "absent").mkdir()
    shutil.move(root / "7.flac", root / "absent" / "7.flac")
    age(root)
    return root


def age(root):
    for path in root.rglob("*"):
        os.utime(path, LONG_AGO)


@pytest.fixture
def reads(monkeypatch):
    """The tables that were read."""
    found, before = [], tsv.read_tsv
    monkeypatch.setattr(tsv, "read_tsv", lambda path, **keys: found.append(path.name) or before(path, **keys))
    return found


def files(root, cache):
    return prepared(root, cache, DROP).files["train"]


def test_no_table_is_read_where_nothing_changed(corpus, tmp_path, reads):
    first = files(corpus, tmp_path / "cache")
    assert reads
    reads.clear()

    assert files(corpus, tmp_path / "cache") == first
    assert not reads
    assert len(first) == ROWS  # the table, and all recordings but one


def bytes_change(root):
    path = root / "3.flac"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")


def time_changes(root):
    os.utime(root / "3.flac", (2_000_000, 2_000_000))


def goes(root):
    (root / "3.flac").unlink()


def comes(root):
    shutil.copy2(root / "absent" / "7.flac", root / "7.flac")


def becomes_a_folder(root):
    (root / "3.flac").unlink()
    (root / "3.flac").mkdir()


def row_goes(root):
    table = root / "train.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize("change", [bytes_change, time_changes, goes, comes, becomes_a_folder, row_goes])
def test_every_change_is_noticed(corpus, tmp_path, change):
    before = files(corpus, tmp_path / "cache")
    change(corpus)

    found = files(corpus, tmp_path / "cache")

    assert found == files(corpus, tmp_path / "another cache")
    assert (found == before) == (change is time_changes)


def test_another_table_that_a_pattern_matches_is_noticed(corpus, tmp_path):
    spec = corpus / "spec.yaml"
    spec.write_text(spec.read_text().replace("train: train.tsv", "train: 'train*.tsv'"))
    before = files(corpus, tmp_path / "cache")
    shutil.copy2(corpus / "train.tsv", corpus / "train2.tsv")

    assert files(corpus, tmp_path / "cache").keys() - before.keys() == {"train2.tsv"}


def test_what_changed_just_now_is_looked_at_again(corpus, tmp_path, reads):
    os.utime(corpus / "3.flac")
    files(corpus, tmp_path / "cache")
    reads.clear()
    files(corpus, tmp_path / "cache")

    assert reads


@pytest.mark.parametrize("memory", [b"", b"[]", b"{}", b'{"tables": 1}'])
def test_a_memory_that_is_none_is_passed_over(corpus, tmp_path, memory):
    before = files(corpus, tmp_path / "cache")
    (path,) = (tmp_path / "cache" / "hashes").glob("*.split.json")
    path.write_bytes(memory)

    assert files(corpus, tmp_path / "cache") == before


def test_a_file_that_is_replaced_while_it_is_read_is_told(corpus, tmp_path, monkeypatch):
    comes(corpus)
    seen, before = [], recordings.frames_or_error

    def replaces(*of):
        seen.append(1)
        if len(seen) == 50:
            bytes_change(corpus)
        return before(*of)

    monkeypatch.setattr(recordings, "frames_or_error", replaces)
    with pytest.raises(DataError, match=r"changed.* while the corpus was being prepared") as caught:
        prepared(corpus, tmp_path / "cache")

    assert "3.flac" in str(caught.value)
    assert not [path for stage in ("records", "frames") for path in (tmp_path / "cache").glob(f"{stage}/*")]


def test_a_further_recording_costs_a_stat_and_little_more(tmp_path):
    calls = {}
    for count in (ROWS // 2, ROWS):
        root = tmp_path / str(count)
        root.mkdir()
        write_corpus(root)
        table = root / "train.tsv"
        table.write_text("".join(table.read_text().splitlines(keepends=True)[: count + 1]))
        age(root)
        plan = compile_spec(root / "spec.yaml").plan
        for _ in range(2):
            prepare(build_data(plan), cache=tmp_path / "cache", processes=1)
        parts, profile = build_data(plan), cProfile.Profile()
        profile.runcall(lambda parts=parts: prepare(parts, cache=tmp_path / "cache", processes=1).files)
        calls[count] = pstats.Stats(profile).total_calls

    assert (calls[ROWS] - calls[ROWS // 2]) / (ROWS // 2) <= 11  # 149 where tables are read

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from seqspec.data.store.cache import Cache, default_cache, key_of
from seqspec.data.store.hashes import file_hashes
from seqspec.data.store.store import Column, StoreWriter
from seqspec.schema.diagnostic import DataError, Exit, RunError


def build_numbers(folder, count=1000, log=None):
    with StoreWriter(folder, {"n": Column("int64", ragged=False)}) as writer:
        while writer.rows < count:
            writer.append({"n": np.arange(writer.rows, writer.rows + 250)})
            writer.commit()
            if log is not None:
                log.append(writer.rows)


def test_a_store_is_built_once(tmp_path):
    calls = []

    def build(folder):
        calls.append(folder)
        build_numbers(folder)

    for _ in range(2):
        store = Cache(tmp_path).store("numbers", {"a": 1}, build)
        assert store.values("n").tolist() == list(range(1000))
    assert len(calls) == 1
    assert not list(tmp_path.glob("numbers/*.partial"))
    assert sorted(path.name for path in store.folder.iterdir()) == ["manifest.json", "n.data"]


def test_other_parts_are_another_store(tmp_path):
    one = Cache(tmp_path).store("numbers", {"a": 1}, build_numbers)
    two = Cache(tmp_path).store("numbers", {"a": 2}, build_numbers)

    assert one.folder != two.folder
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})


def test_an_interrupted_build_goes_on_and_is_never_read(tmp_path):
    class Stop(Exception):
        pass

    def stop(folder):
        build_numbers(folder, count=500)
        raise Stop

    cache, log = Cache(tmp_path), []
    with pytest.raises(Stop):
        cache.store("numbers", 1, stop)
    assert not cache.has("numbers", 1)
    store = cache.store("numbers", 1, lambda folder: build_numbers(folder, log=log))

    assert log[0] == 750
    assert store.rows == 1000


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove", "manifest"])
def test_damage_is_seen_and_mended(tmp_path, harm, capsys):
    cache = Cache(tmp_path)
    store = cache.store("numbers", 1, build_numbers)
    data = store.folder / "n.data"
    match harm:
        case "flip":
            held = bytearray(data.read_bytes())
            held[77] ^= 1
            data.write_bytes(held)
        case "truncate":
            os.truncate(data, 100)
        case "remove":
            data.unlink()
        case "manifest":
            (store.folder / "manifest.json").write_text("{")
    again = cache.store("numbers", 1, build_numbers)

    assert again.values("n").tolist() == list(range(1000))
    assert "is damaged and is made anew" in capsys.readouterr().err


def test_a_flipped_bit_that_keeps_the_time_is_seen_when_asked_to_verify(tmp_path):
    store = Cache(tmp_path).store("numbers", 1, build_numbers)
    data = store.folder / "n.data"
    status = data.stat()
    held = bytearray(data.read_bytes())
    held[5] ^= 1
    data.write_bytes(held)
    os.utime(data, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert Cache(tmp_path).has("numbers", 1)
    assert not Cache(tmp_path, verify=True).has("numbers", 1)


def test_every_bit_of_a_manifest_counts(tmp_path, capsys):
    def build(folder):
        with StoreWriter(folder, {"n": Column("int64", ragged=False)}) as writer:
            writer.append({"n": np.arange(3)})
            writer.commit(seen=1.5)

    parts = {"steps": ["lower"], "bounds": {9: "a", 10: "b"}}
    cache = Cache(tmp_path)
    path = cache.store("numbers", parts, build).folder / "manifest.json"
    whole = path.read_bytes()
    assert cache.has("numbers", parts)
    unnoticed = []
    for bit in range(8 * len(whole)):
        held = bytearray(whole)
        held[bit // 8] ^= 1 << bit % 8
        path.write_bytes(held)
        if cache.has("numbers", parts):
            unnoticed.append((bit // 8, bit % 8))
    again = cache.store("numbers", parts, build)

    assert unnoticed == []
    assert again.rows == 3
    assert "is damaged and is made anew" in capsys.readouterr().err


@pytest.mark.parametrize("written", [b"", b"[]", b"7", b"null", b"{}", b"\xff", b'{"seal": 1, "files": {}}'])
def test_a_manifest_that_is_none_is_made_anew(tmp_path, written):
    cache = Cache(tmp_path)
    store = cache.store("numbers", 1, build_numbers)
    (store.folder / "manifest.json").write_bytes(written)

    assert not cache.has("numbers", 1)
    assert cache.store("numbers", 1, build_numbers).rows == 1000


def test_a_touched_file_with_the_same_bytes_is_sound(tmp_path):
    store = Cache(tmp_path).store("numbers", 1, build_numbers)
    os.utime(store.folder / "n.data")

    assert Cache(tmp_path).has("numbers", 1)


def both(root, queue):
    started = []

    def build(folder):
        started.append(1)
        time.sleep(0.2)
        build_numbers(folder, count=250)

    store = Cache(Path(root)).store("numbers", 1, build)
    queue.put((len(started), int(store.values("n").sum())))


def test_two_processes_at_once_build_it_once(tmp_path):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=both, args=(str(tmp_path), queue)) for _ in range(2)]
    for process in processes:
        process.start()
    found = sorted(queue.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()

    assert found == [(0, 31125), (1, 31125)]


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from seqspec.data.stages.prepare import prepare
from tests.data.fakes import make_parts
from seqspec.data.stages import records, encoding as encode
records.BLOCK = encode.BLOCK = 7
records.COMMIT_ROWS = encode.COMMIT_ROWS = 7
found = prepare(make_parts(Path({corpus!r})), cache=Path({cache!r}), processes=1)
print(sum(int(found.splits["train"].value("target", i).sum()) for i in range(len(found.splits["train"]))))
"""


def test_killing_it_at_any_instant_loses_nothing(tmp_path):
    from tests.data.fakes import make_parts, pairs, write_corpus

    corpus = write_corpus(tmp_path / "corpus", train=pairs(400), dev=pairs(40, start=900))
    root = str(Path(__file__).parents[2])
    script = KILLED.format(tests=root, corpus=str(corpus), cache=str(tmp_path / "cache"))
    delays = [0.20 + 0.03 * number for number in range(10)]
    kills = 0
    for delay in delays:
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    from seqspec.data.stages.prepare import prepare

    found = prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)
    clean = prepare(make_parts(corpus), cache=tmp_path / "clean", processes=1)

    assert kills
    for name in ("train", "dev"):
        assert len(found.splits[name]) == len(clean.splits[name])
        for index in range(len(found.splits[name])):
            mine, theirs = (one.splits[name].value("target", index).tolist() for one in (found, clean))
            assert mine == theirs


def test_manifests_name_what_made_them(tmp_path):
    store = Cache(tmp_path).store("numbers", {"files": {"a.txt": "ff"}}, build_numbers)
    manifest = json.loads((store.folder / "manifest.json").read_bytes())

    assert manifest["parts"] == {"files": {"a.txt": "ff"}}
    assert set(manifest["files"]) == {"n.data"}


def test_the_place_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("SEQSPEC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))

    assert default_cache() in (tmp_path / "xdg" / "seqspec", Path("~/Library/Caches/seqspec").expanduser())


def test_files_are_hashed_again_only_when_they_changed(tmp_path, monkeypatch):
    from seqspec.data.store import hashes

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in ("a", "b"):
        (corpus / name).write_text(name)
        os.utime(corpus / name, (1_000_000, 1_000_000))
    read = []
    real = hashes.sha256
    monkeypatch.setattr(hashes, "sha256", lambda path: read.append(path.name) or real(path))

    def look():
        return file_hashes([corpus / "a", corpus / "b"], root=corpus, memory=tmp_path / "memory")

    first = look()
    assert look() == first
    assert sorted(read) == ["a", "b"]
    (corpus / "b").write_text("c")

    assert look()["b"] != first["b"]
    assert look()["b"] != first["b"]
    assert read[2:] == ["b", "b"]  # a file so young may change again within one tick of its clock


def test_files_are_hashed_in_shares_of_bytes(tmp_path, monkeypatch):
    from seqspec.data.store import hashes

    monkeypatch.setattr(hashes, "AT_ONCE", 8)
    sizes = {"a": 3, "b": 5, "c": 20, "d": 1, "e": 1}
    files = [tmp_path / name for name in sizes]
    for file in files:
        file.write_bytes(file.name.encode() * sizes[file.name])

    found = file_hashes(files, root=tmp_path, memory=tmp_path / "memory")

    assert hashes._shares(list(sizes), sizes) == [["a", "b"], ["c"], ["d", "e"]]
    assert found == {file.name: hashes.sha256(file) for file in files}


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="names a file that is not there"):
        file_hashes([tmp_path / "none"], root=tmp_path, memory=tmp_path)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path, monkeypatch):
    import errno

    from seqspec.data.stages.prepare import prepare
    from seqspec.data.store import store
    from tests.data.fakes import make_parts, pairs, write_corpus

    corpus = write_corpus(tmp_path / "corpus", train=pairs(30))
    real = store.write_json

    def full(path, value):
        if "ids" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, value)

    monkeypatch.setattr(store, "write_json", full)
    with pytest.raises(RunError, match="cannot be written: No space left on device") as caught:
        prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)
    monkeypatch.setattr(store, "write_json", real)
    parts = make_parts(corpus)
    found = prepare(parts, cache=tmp_path / "cache", processes=1)

    assert caught.value.exit == Exit.STORAGE
    assert parts.adapter.reads == []
    assert len(found.splits["train"]) == 30


@pytest.mark.parametrize(("silent", "lines"), [(30.0, 0), (0.05, 1)])
def test_only_a_long_wait_for_another_process_is_told(silent, lines, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("seqspec.data.store.cache.WAITED_IN_SILENCE", silent)
    (tmp_path / "locks").mkdir()
    with open(tmp_path / "locks" / "one", "a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        freed = threading.Timer(0.3, lambda: fcntl.flock(held, fcntl.LOCK_UN))
        freed.start()
        with Cache(tmp_path)._locked("one"):
            freed.join()

    assert capsys.readouterr().err.count("waiting for it") == lines

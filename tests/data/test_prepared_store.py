"""Prepared data in an object store: found before they are prepared, never believed, never half there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import numpy as np
import pytest

from seqspec.data.stages.prepare import prepare
from seqspec.data.stages.push import push
from seqspec.data.store import prepared_store
from seqspec.data.store.cache import Cache, key_of, sealed, unsealed
from seqspec.data.store.manifest_check import checked
from seqspec.data.store.prepared_store import PreparedStore
from seqspec.data.store.store import Column, StoreWriter
from seqspec.schema.diagnostic import DataError, RunError
from tests.data.fakes import FakeAdapter, FakeSteps, make_parts, pairs, write_corpus

fsspec = pytest.importorskip("fsspec")

# Servers of tests leave sockets for the interpreter to close.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning",
                                        "ignore::DeprecationWarning")  # fmt: skip


class Absent(FakeAdapter):
    """Knows its splits, as a spec names them, and finds no file."""

    def splits(self):
        return ("dev", "train")

    def files(self, split):
        raise DataError("the corpus is not there", code="SQ401")


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "corpus", train=pairs(30), dev=pairs(5, start=100))


@pytest.fixture
def address(monkeypatch):
    """An empty object store, which readers are pointed to."""
    monkeypatch.setattr("seqspec.data.store.object_store.PAUSE_SECONDS", 0.0)
    place = "memory://bucket/prepared"
    monkeypatch.setenv("SEQSPEC_STORE", place)
    yield place
    fsspec.filesystem("memory").store.clear()


def pushed(corpus, cache, address, *, verify=False):
    os.environ.pop("SEQSPEC_STORE")
    try:
        prepared = prepare(make_parts(corpus), cache=cache, processes=1)
        return push(prepared, PreparedStore.at(address, said="--push"), verify=verify)
    finally:
        os.environ["SEQSPEC_STORE"] = address


def files(cache):
    """Bytes and times of every file of every store."""
    found = {}
    for manifest in cache.glob("*/*/manifest.json"):
        for file in manifest.parent.iterdir():
            time = 0 if file == manifest else file.stat().st_mtime_ns
            found[str(file.relative_to(cache))] = (file.read_bytes(), time)
    return found


def refuse(*_, **__):
    raise AssertionError("nothing is to be worked out")


def test_what_was_pushed_is_fetched_to_the_byte(corpus, tmp_path, address, monkeypatch):
    sent = pushed(corpus, tmp_path / "one", address)
    again = pushed(corpus, tmp_path / "one", address)
    monkeypatch.setattr(FakeSteps, "learn", refuse)
    monkeypatch.setattr(FakeSteps, "encode_batch", refuse)
    found = prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)

    assert files(tmp_path / "two") == files(tmp_path / "one")
    assert len(found.splits["train"]) == 30
    assert sent.stores == sent.uploaded == 10
    assert (again.uploaded, again.bytes) == (0, 0)


def test_a_corpus_that_is_not_here_is_not_needed(corpus, tmp_path, address, monkeypatch):
    # The code of the fake is part of every key, and its subclass has other code.
    monkeypatch.setattr("seqspec.data.stages.parts.code_of", lambda *_: ["fixed"])
    pushed(corpus, tmp_path / "one", address)
    shutil.rmtree(corpus)
    monkeypatch.setattr("tests.data.fakes.FakeAdapter", Absent)
    with monkeypatch.context() as context:
        context.delenv("SEQSPEC_STORE")
        with pytest.raises(DataError, match="the corpus is not there"):
            prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)
    found = prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)

    assert files(tmp_path / "two") == files(tmp_path / "one")
    assert found.files["train"].keys() == {"train.jsonl"}


def test_half_a_push_is_not_there_and_goes_on(corpus, tmp_path, address, monkeypatch):
    memory, left = type(fsspec.filesystem("memory")), 7
    put = memory.put_file

    def breaks(self, *args, **kwargs):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError("the line is dead")
        put(self, *args, **kwargs)

    monkeypatch.setattr(memory, "put_file", breaks)
    with pytest.raises(RunError, match="cannot be reached: the line is dead") as caught:
        pushed(corpus, tmp_path / "one", address)
    assert caught.value.exit == 5
    prepare(
        make_parts(corpus), cache=tmp_path / "two", processes=1
    )  # takes what is whole, and makes the rest
    monkeypatch.setattr(memory, "put_file", put)
    sent = []
    monkeypatch.setattr(PreparedStore, "_send", lambda self, file, name: (sent.append(name), put(
        fsspec.filesystem("memory"), str(file), self._place(name))))  # fmt: skip
    pushed(corpus, tmp_path / "one", address)

    everything = [name for name in files(tmp_path / "one") if not name.endswith("manifest.json")]
    assert len(sent) == len(everything) - 7
    assert not any(name.endswith("journal.json") for name in fsspec.filesystem("memory").store)
    assert {k: v[0] for k, v in files(tmp_path / "two").items() if "manifest" not in k} == {
        k: v[0] for k, v in files(tmp_path / "one").items() if "manifest" not in k
    }


def test_an_interrupted_fetch_goes_on(corpus, tmp_path, address, monkeypatch):
    pushed(corpus, tmp_path / "one", address)
    monkeypatch.setattr(prepared_store, "BLOCK", 16)
    reads, written = [], PreparedStore._append

    def dies(self, name, part, entry, advance):
        def counts(count):
            reads.append(count)
            if len(reads) == 40:
                raise KeyboardInterrupt

        written(self, name, part, entry, counts)

    monkeypatch.setattr(PreparedStore, "_append", dies)
    with pytest.raises(KeyboardInterrupt):
        prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)
    part = next((tmp_path / "two").rglob("*.part"))
    before = part.stat().st_size
    prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)

    assert before > 0
    assert reads[40] == before
    assert files(tmp_path / "two") == files(tmp_path / "one")


def changed_bit(store, place):
    data = bytearray(store[place].getvalue())
    data[len(data) // 2] ^= 1
    store[place].seek(0)
    store[place].write(bytes(data))


def shortened(store, place):
    store[place].seek(0)
    store[place].truncate(3)


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        ("ids.data", changed_bit, "its bytes are not those that its manifest names"),
        ("ids.data", shortened, "it has 3 bytes, and its manifest says"),
        ("ids.data", lambda store, place: store.pop(place), "it is not there, though a manifest names it"),
        ("manifest.json", changed_bit, "it is no manifest, or was changed"),
        ("manifest.json", shortened, "it is no manifest, or was changed"),
    ],
)
def test_damage_is_told_and_mended_by_a_push_that_verifies(corpus, tmp_path, address, file, damage, words):
    pushed(corpus, tmp_path / "one", address)
    store = fsspec.filesystem("memory").store
    damage(store, next(place for place in sorted(store) if "/ids/" in place and place.endswith(file)))
    with pytest.raises(RunError, match=words) as caught:
        prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)
    assert caught.value.exit == 5
    assert "--verify" in caught.value.help

    assert pushed(corpus, tmp_path / "one", address, verify=True).uploaded == 1
    prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)
    assert files(tmp_path / "two") == files(tmp_path / "one")


HASH = "0" * 64
MANIFEST = {
    "format": json.loads(json.dumps(3)), "stage": "ids", "parts": {"a": 1}, "rows": 2, "state": {},
    "columns": {"ids": {"dtype": "int32", "ragged": True, "width": 0}},
    "files": {
        "ids.data": {"bytes": 8, "sha256": HASH, "modified": 0},
        "ids.offsets": {"bytes": 24, "sha256": HASH, "modified": 0},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parts": {"a": 2}}, "of other data"),
        ({"stage": "frames"}, "of other data"),
        ({"rows": -1}, "how many rows"),
        ({"rows": 10**30}, "how many rows"),
        ({"rows": 3}, "not that of 3 rows"),
        ({"columns": []}, "no columns"),
        ({"columns": {"../ids": MANIFEST["columns"]["ids"]}}, "not the name of a file"),
        ({"columns": {"ids": {"dtype": "O", "ragged": True, "width": 0}}}, "holds no numbers"),
        ({"columns": {"ids": {"dtype": "int32", "ragged": True, "width": 5}}}, "the size of column ids"),
        ({"files": {**MANIFEST["files"], "../../x": MANIFEST["files"]["ids.data"]}}, "not those of its columns"),
        ({"files": {**MANIFEST["files"], "ids.data": {"bytes": -8, "sha256": HASH, "modified": 0}}}, "how large"),
        ({"files": {**MANIFEST["files"], "ids.data": {"bytes": 8, "sha256": "x", "modified": 0}}}, "no SHA-256"),
    ],
)  # fmt: skip
def test_a_manifest_that_was_forged_is_refused(change, words):
    assert checked(sealed(MANIFEST), stage="ids", parts={"a": 1})["ids.data"].bytes == 8
    with pytest.raises(ValueError, match=words):
        checked(sealed({**MANIFEST, **change}), stage="ids", parts={"a": 1})


def test_a_store_of_rows_that_do_not_follow_one_another_is_refused(corpus, tmp_path, address):
    pushed(corpus, tmp_path / "one", address)
    memory = fsspec.filesystem("memory")
    place = next(one for one in sorted(memory.store) if "/vocabulary/" in one and one.endswith(".offsets"))
    manifest = place.rpartition("/")[0] + "/manifest.json"
    data = bytes([7]) + memory.cat_file(place)[1:]
    told = unsealed(memory.cat_file(manifest))
    del told["files"]["artifact.offsets"]["sha256"]
    told["files"]["artifact.offsets"]["sha256"] = hashlib.sha256(data).hexdigest()
    memory.pipe_file(place, data)
    memory.pipe_file(manifest, sealed(told))
    with pytest.raises(RunError, match="do not follow one another"):
        prepare(make_parts(corpus), cache=tmp_path / "two", processes=1)
    assert not (tmp_path / "two" / "vocabulary" / key_of(told["parts"])).exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3:/bucket", "is no address of"),
        ("ftp://host/folder", "is no address of"),
        ("folder", "is no address of"),
        ("s3://key:secret@bucket/f", "must hold no user, key or query"),
        ("https://host/f?token=secret", "must hold no user, key or query"),
        ("s3:///f", "names no place"),
    ],
)
def test_addresses_that_cannot_hold_anything(address, words):
    with pytest.raises(RunError, match=words) as caught:
        PreparedStore.at(address, said="--push")
    assert caught.value.exit == 2
    assert "secret" not in f"{caught.value}{caught.value.help}"


def test_a_wrong_address_is_not_an_empty_store(corpus, tmp_path, address):
    with pytest.raises(RunError, match="holds no prepared data") as caught:
        prepare(make_parts(corpus), cache=tmp_path / "one", processes=1)
    assert caught.value.exit == 5
    with pytest.raises(RunError, match="nothing can be written"):
        PreparedStore.at("https://example.org/store", said="--push").begin()


@pytest.mark.slow
def test_a_bucket(tmp_path, s3):
    def build(folder):
        with StoreWriter(folder, {"n": Column("int32", ragged=False)}) as writer:
            writer.append({"n": np.arange(1000, dtype="int32")})
            writer.commit()

    written = Cache(tmp_path / "one").store("numbers", {"a": 1}, build)
    bucket = PreparedStore.at("s3://bucket/mt", said="--push")
    with pytest.raises(RunError, match="nothing can be written to `s3://bucket/mt`") as caught:
        bucket.push([written.folder], {}, verify=False)
    assert caught.value.exit == 5
    s3.mkdir("bucket")
    assert bucket.push([written.folder], {}, verify=False).uploaded == 1
    assert bucket.push([written.folder], {}, verify=True).uploaded == 0
    Cache(tmp_path / "two", elsewhere=bucket).store("numbers", {"a": 1}, refuse)

    assert files(tmp_path / "two") == files(tmp_path / "one")

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.data.store.store import MANIFEST, TEXT, Column, Rows, Store, StoreWriter, ragged, ragged_text


def finish(folder, writer):
    """What the cache does when a stage is done, without its hashes."""
    writer.commit()
    writer.close()
    journal = json.loads((folder / "journal.json").read_bytes())
    (folder / MANIFEST).write_text(json.dumps(journal | {"files": {}}))
    return Store(folder)


@given(st.lists(st.text(max_size=12), max_size=30), st.integers(1, 7))
@settings(max_examples=20, deadline=None)
def test_rows_come_back_as_they_were_written(texts, block):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "store"
        writer = StoreWriter(folder, {"text": TEXT, "n": Column("int64", ragged=False)})
        for start in range(0, len(texts), block):
            rows = texts[start : start + block]
            writer.append({"text": ragged_text(rows), "n": np.arange(start, start + len(rows))})
        store = finish(folder, writer)

        assert [store.text("text", i) for i in range(store.rows)] == texts
        assert store.texts("text", 0, store.rows) == texts
        assert store.values("n").tolist() == list(range(len(texts)))


def test_lone_surrogates_survive(tmp_path):
    writer = StoreWriter(tmp_path / "s", {"text": TEXT})
    writer.append({"text": ragged_text(["a\ud800b"])})

    assert finish(tmp_path / "s", writer).text("text", 0) == "a\ud800b"


def test_vectors_keep_their_width(tmp_path):
    writer = StoreWriter(tmp_path / "s", {"frames": Column("float32", width=3)})
    rows = [np.ones((2, 3)), np.zeros((0, 3)), np.full((1, 3), 7.0)]
    writer.append({"frames": ragged(rows, "float32")})
    store = finish(tmp_path / "s", writer)

    assert [store.row("frames", i).shape for i in range(3)] == [(2, 3), (0, 3), (1, 3)]
    assert store.row("frames", 2).tolist() == [[7.0, 7.0, 7.0]]
    assert [rows.tolist() for rows in store.rows_of("frames", np.array([2, 1]))] == [[[7.0, 7.0, 7.0]], []]


def test_rows_that_are_not_joined_are_written_as_joined_ones(tmp_path):
    rows = [np.ones((2, 3)), np.zeros((0, 3)), np.full((3, 6), 7.0)[:, ::2]]  # float64, and not contiguous
    files = []
    for name, block in (("joined", ragged(rows, "float32")), ("apart", Rows(rows))):
        writer = StoreWriter(tmp_path / name, {"frames": Column("float32", width=3)})
        writer.append({"frames": block})
        finish(tmp_path / name, writer)
        files.append({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()})

    assert files[0] == files[1]


def test_rows_of_one_size_are_read_together(tmp_path):
    writer = StoreWriter(tmp_path / "s", {"pixels": Column("uint8")})
    writer.append(
        {"pixels": ragged([np.arange(n, n + size) for n, size in ((1, 4), (7, 3), (9, 4))], "uint8")}
    )
    store = finish(tmp_path / "s", writer)

    found = store.stacked("pixels", np.array([2, 0, 2]), size=4)

    assert found.tolist() == [[9, 10, 11, 12], [1, 2, 3, 4], [9, 10, 11, 12]]
    assert found.flags.writeable


def test_writing_goes_on_where_it_was_last_committed(tmp_path):
    columns = {"text": TEXT}
    first = StoreWriter(tmp_path / "s", columns)
    first.append({"text": ragged_text(["a", "bb"])})
    first.commit(seen=2)
    first.append({"text": ragged_text(["lost"])})
    first.close()
    second = StoreWriter(tmp_path / "s", columns)
    assert (second.rows, second.state) == (2, {"seen": 2})
    second.append({"text": ragged_text(["ccc"])})
    store = finish(tmp_path / "s", second)

    assert store.texts("text", 0, 3) == ["a", "bb", "ccc"]


@pytest.mark.parametrize("harm", ["shorter", "gone", "other columns", "broken journal"])
def test_what_cannot_be_trusted_is_begun_anew(tmp_path, harm):
    folder = tmp_path / "s"
    first = StoreWriter(folder, {"text": TEXT})
    first.append({"text": ragged_text(["aaaa"])})
    first.commit()
    first.close()
    columns = {"text": TEXT}
    match harm:
        case "shorter":
            (folder / "text.data").write_bytes(b"a")
        case "gone":
            (folder / "text.offsets").unlink()
        case "other columns":
            columns = {"text": TEXT, "n": Column("int8", ragged=False)}
        case "broken journal":
            (folder / "journal.json").write_bytes(b"{")
    second = StoreWriter(folder, columns)

    assert second.rows == 0
    assert (folder / "text.data").stat().st_size == 0
    second.close()


def test_opening_reads_no_column(tmp_path):
    import pickle

    writer = StoreWriter(tmp_path / "s", {"text": TEXT})
    writer.append({"text": ragged_text(["x" * 1_000_000])})
    store = finish(tmp_path / "s", writer)
    store.row("text", 0)

    assert len(pickle.dumps(store)) < 500

"""Shards that know nothing of each other make the stores of one call, to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seqspec.data.stages import row_shards
from seqspec.data.stages.prepare import prepare, prepare_shard
from seqspec.data.stages.row_shards import Shard, join_rows
from seqspec.data.store.store import Column, Ragged, Store, StoreWriter
from seqspec.schema.diagnostic import DataError
from tests.data.fakes import FakeSteps, make_parts, pairs, write_corpus

# Rows that cannot be encoded stand in two shards, and the vocabulary is learned on all rows.
ROWS = [{**row, "target": "a \0"} if n in (3, 4, 25) else row for n, row in enumerate(pairs(30))]


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "corpus", train=ROWS, dev=pairs(5, start=100))


def parts_of(corpus, *, drop=0.2):
    return make_parts(corpus, on_error={"drop": drop})


def stores(cache):
    """Every store's files, and its manifest without the times at which they were written."""
    found = {}
    for manifest in sorted(cache.glob("*/*/manifest.json")):
        told = json.loads(manifest.read_bytes())
        del told["seal"]
        for entry in told["files"].values():
            del entry["modified"]
        files = {name: (manifest.parent / name).read_bytes() for name in told["files"]}
        found[str(manifest.parent.relative_to(cache))] = (told, files)
    return found


def shard(corpus, cache, number, of, **changes):
    """One job of an array: a call with nothing in memory."""
    return set().union(
        *(
            prepare_shard(
                parts_of(corpus, **changes), Shard(number, of), cache=cache, split=split, processes=1
            )
            for split in ("train", "dev")
        )
    )


@pytest.mark.parametrize("of", [1, 2, 3, 6])
def test_any_number_of_shards_makes_the_stores_of_one_call(corpus, tmp_path, of):
    prepare(parts_of(corpus), cache=tmp_path / "one", processes=1)
    order = [*range(2, of + 1), 1]

    missing = [shard(corpus, tmp_path / "many", number, of) for number in order]
    again = prepare(parts_of(corpus), cache=tmp_path / "many", processes=1)

    assert missing == [set(range(1, of + 1)) - set(order[: n + 1]) for n in range(of)]
    assert stores(tmp_path / "many") == stores(tmp_path / "one")
    assert again.dropped["train"] == {"a text holds NUL": 3}
    assert shard(corpus, tmp_path / "many", 1, of) == set()


def test_a_shard_that_was_killed_is_called_again(corpus, tmp_path, monkeypatch):
    prepare(parts_of(corpus), cache=tmp_path / "one", processes=1)
    cache, encode = tmp_path / "many", FakeSteps.encode_batch

    def dies(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeSteps, "encode_batch", dies)
    with pytest.raises(KeyboardInterrupt):
        shard(corpus, cache, 1, 2)
    monkeypatch.setattr(FakeSteps, "encode_batch", encode)
    shard(corpus, cache, 1, 2)
    monkeypatch.setattr(row_shards, "_block", dies)  # while it joins
    with pytest.raises(KeyboardInterrupt):
        shard(corpus, cache, 2, 2)
    monkeypatch.undo()

    assert shard(corpus, cache, 2, 2) == set()
    prepare(parts_of(corpus), cache=cache, processes=1)
    assert stores(cache) == stores(tmp_path / "one")


def test_bad_rows_are_judged_together(corpus, tmp_path):
    """Shard 1 has two bad rows of ten, which would be too many of its own; all have three of thirty."""
    for number in (1, 2, 3):
        assert shard(corpus, tmp_path / "many", number, 3, drop=0.1) == set(range(number + 1, 4))

    shard(corpus, tmp_path / "few", 1, 2, drop=0.05)
    with pytest.raises(DataError, match=r"3 of 30 texts of train"):
        shard(corpus, tmp_path / "few", 2, 2, drop=0.05)


def test_rows_that_an_interrupted_call_left_are_not_written_twice(tmp_path):
    columns = {
        "ids": Column("int32"),
        "frames": Column("float32", width=2),
        "bad": Column("uint8", ragged=False),
    }

    def written(folder: Path, rows: range) -> StoreWriter:
        writer = StoreWriter(folder, columns)
        lengths = np.array([n % 3 for n in rows], np.int64)
        total = int(lengths.sum())
        frames = np.arange(2.0 * total, dtype="f4").reshape(-1, 2) + rows.start
        writer.append({
            "ids": Ragged(np.arange(total, dtype="i4") + rows.start, lengths),
            "frames": Ragged(frames, lengths),
            "bad": np.array(rows, np.uint8) % 2,
        })  # fmt: skip
        return writer

    shards = []
    for number, rows in enumerate((range(0, 4), range(4, 9))):
        with written(tmp_path / str(number), rows) as writer:
            writer.commit(unknown=number)
        journal = json.loads((tmp_path / str(number) / "journal.json").read_bytes())
        (tmp_path / str(number) / "manifest.json").write_text(json.dumps(journal))
        shards.append(Store(tmp_path / str(number)))
    join_rows(tmp_path / "fresh", shards, check=lambda state: None)
    with StoreWriter(tmp_path / "left", columns) as writer:
        first = shards[0]
        bounds = first.offsets("ids")[:4]
        writer.append({
            "ids": Ragged(first.values("ids")[: bounds[-1]], np.diff(bounds)),
            "frames": Ragged(first.values("frames")[: bounds[-1]], np.diff(bounds)),
            "bad": first.values("bad")[:3],
        })  # fmt: skip
        writer.commit(unknown=7)
    join_rows(tmp_path / "left", shards, check=lambda state: None)

    assert {p.name: p.read_bytes() for p in (tmp_path / "left").iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "fresh").iterdir()
    }

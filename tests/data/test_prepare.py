from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from seqspec.data.corpus.unknown_labels import unknown_labels
from seqspec.data.stages.classes import class_names, in_label_order
from seqspec.data.stages.prepare import prepare
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Classes, Text, Unknown
from tests.data.fakes import FakeSteps, make_parts, pairs, write_corpus


def texts(split, role="target"):
    return [split.text(role, index) for index in range(len(split))]


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "corpus", train=pairs(30), dev=pairs(5, start=100))


def test_prepared_data_hold_the_corpus(corpus, tmp_path):
    found = prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)

    assert {name: len(split) for name, split in found.splits.items()} == {"dev": 5, "train": 30}
    assert texts(found.splits["train"]) == [row["target"] for row in pairs(30)]
    assert found.facts == {"data.text.source.tokenizer.vocab": 27, "data.text.target.tokenizer.vocab": 23}
    assert found.splits["train"].lengths.tolist() == [
        [len(r["source"].split()), len(r["target"].split())] for r in pairs(30)
    ]
    assert set(found.files["train"]) == {"train.jsonl"}


def test_twice_does_nothing(corpus, tmp_path):
    prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)
    again = make_parts(corpus)
    prepare(again, cache=tmp_path / "cache", processes=1)

    assert again.adapter.reads == []
    assert [again.text[role].trained for role in ("source", "target")] == [0, 0]


def test_the_cache_may_move(corpus, tmp_path):
    prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)
    moved = shutil.copytree(corpus, tmp_path / "elsewhere")
    again = make_parts(moved)
    prepare(again, cache=tmp_path / "cache", processes=1)

    assert again.adapter.reads == []


def test_a_change_makes_anew_what_depends_on_it_and_no_more(corpus, tmp_path):
    cache = tmp_path / "cache"
    prepare(make_parts(corpus), cache=cache, processes=1)
    before = stores(cache)
    other = make_parts(corpus)
    other.text["target"] = FakeSteps("other words")
    prepare(other, cache=cache, processes=1)
    after = stores(cache)

    new = sorted(name.split("/")[0] for name in after - before)
    assert new == ["ids", "ids", "index", "index", "vocabulary"]
    assert other.adapter.reads == []


def test_a_changed_dev_file_leaves_train_alone(corpus, tmp_path):
    cache = tmp_path / "cache"
    prepare(make_parts(corpus), cache=cache, processes=1)
    write_corpus(corpus, dev=pairs(6, start=200))
    again = make_parts(corpus)
    found = prepare(again, cache=cache, processes=1)

    assert again.adapter.reads == ["dev"]
    assert len(found.splits["dev"]) == 6


def stores(cache):
    return {path.parent.relative_to(cache).as_posix() for path in cache.glob("*/*/manifest.json")}


def test_a_missing_split_stops_only_those_who_read_it(corpus, tmp_path):
    parts = make_parts(corpus)
    parts.adapter.splits = lambda: ("train", "dev", "test")
    found = prepare(parts, cache=tmp_path / "cache", splits=["train"], processes=1)

    assert len(found.splits["train"]) == 30
    with pytest.raises(DataError, match="split `test` is not there"):
        found.splits["test"]


def test_filters_count_what_they_take_out(corpus, tmp_path):
    filters = {"max_source_tokens": 5, "min_target_tokens": 2}
    found = prepare(make_parts(corpus, filter=filters), cache=tmp_path / "cache", processes=1)
    rows = pairs(30)
    long = [r for r in rows if len(r["source"].split()) > 5]
    short = [r for r in rows if len(r["source"].split()) <= 5 and len(r["target"].split()) < 2]

    assert found.dropped["train"] == {
        "source longer than 5 tokens": len(long),
        "target shorter than 2 tokens": len(short),
    }
    assert len(found.splits["train"]) == 30 - len(long) - len(short)


def test_bad_rows_fail_by_default_and_name_the_place(tmp_path):
    corpus = write_corpus(tmp_path / "c", train=[*pairs(3), {"bad": "too many columns"}])

    with pytest.raises(DataError, match=r"too many columns \(train.jsonl:4\)"):
        prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)


def test_bad_rows_are_dropped_up_to_the_cap(tmp_path):
    corpus = write_corpus(tmp_path / "c", train=[*pairs(19), {"bad": "too many columns"}])
    found = prepare(make_parts(corpus, on_error={"drop": 0.05}), cache=tmp_path / "cache", processes=1)

    assert found.dropped["train"] == {"too many columns": 1}
    with pytest.raises(DataError, match="1 of 20 rows of train cannot be used"):
        prepare(make_parts(corpus, on_error={"drop": 0.04}), cache=tmp_path / "cache", processes=1)


def test_a_text_that_cannot_be_encoded_is_a_bad_row(tmp_path):
    rows = [*pairs(9), {"source": "a\0b", "target": "t"}]
    corpus = write_corpus(tmp_path / "c", train=rows)
    found = prepare(make_parts(corpus, on_error={"drop": 0.2}), cache=tmp_path / "cache", processes=1)

    assert found.dropped["train"] == {"a text holds NUL": 1}
    with pytest.raises(DataError, match="a text holds NUL"):
        prepare(make_parts(corpus), cache=tmp_path / "cache2", processes=1)


def test_empty_lines_are_counted(tmp_path):
    rows = [*pairs(3), {"source": "", "target": "t0"}, {"source": "s0", "target": " "}]
    corpus = write_corpus(tmp_path / "c", train=rows, dev=rows)
    found = prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)

    assert found.dropped == {"train": {"empty source": 1, "empty target": 1}, "dev": {"empty source": 1}}


def test_repetitions_are_dropped_where_the_spec_says_so(tmp_path):
    corpus = write_corpus(tmp_path / "c", train=pairs(4) + pairs(4), dev=pairs(2) + pairs(2))
    kept = prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)
    found = prepare(make_parts(corpus, filter={"duplicates": "drop"}), cache=tmp_path / "cache", processes=1)

    assert len(kept.splits["train"]) == 8
    assert texts(found.splits["train"]) == [row["target"] for row in pairs(4)]
    assert len(found.splits["dev"]) == 4


def test_expectations_are_held(corpus, tmp_path):
    prepare(make_parts(corpus, expect={"train": 30}), cache=tmp_path / "cache", processes=1)
    with pytest.raises(DataError, match="train has 30 examples, and the spec expects 31"):
        prepare(make_parts(corpus, expect={"train": 31}), cache=tmp_path / "cache", processes=1)


def test_a_filter_that_leaves_nothing_says_why(corpus, tmp_path):
    parts = make_parts(corpus, filter={"min_target_tokens": 99})
    with pytest.raises(DataError, match=r"no example of train is left .30 target shorter than 99 tokens"):
        prepare(parts, cache=tmp_path / "cache", splits=["train"], processes=1)


@pytest.mark.parametrize("by", ["hash", "speaker", "label"])
def test_dev_and_test_are_cut_out_of_train(tmp_path, by):
    rows = [{"source": f"w{n}", "target": f"c{n % 4}", "speaker": f"p{n % 40}"} for n in range(400)]
    corpus = write_corpus(tmp_path / "c", train=rows)
    roles = {"source": Text("en"), "target": Classes(Unknown("classes"))}
    parts = make_parts(corpus, roles=roles, split={"by": by, "dev": 0.2, "test": 0.1})
    found = prepare(parts, cache=tmp_path / "cache", processes=1)
    ids = {name: {split.id(i) for i in range(len(split))} for name, split in found.splits.items()}

    assert sorted(found.splits) == ["dev", "test", "train"]
    assert sum(map(len, ids.values())) == 400
    assert len(set().union(*ids.values())) == 400
    assert 40 <= len(ids["dev"]) <= 130
    if by == "speaker":
        speakers = {name: {int(i.split(":")[1]) % 40 for i in held} for name, held in ids.items()}
        assert not speakers["train"] & speakers["dev"]
    if by == "label":
        counts = [texts(found.splits["dev"]).count(f"c{c}") for c in range(4)]
        assert counts == [20, 20, 20, 20]


def test_labels_that_stand_once_cannot_be_cut_by_label(tmp_path):
    corpus = write_corpus(tmp_path / "c", train=[{"source": f"w{n}", "target": f"c{n}"} for n in range(9)])
    roles = {"source": Text("en"), "target": Classes(Unknown("classes"))}
    parts = make_parts(corpus, roles=roles, split={"by": "label", "dev": 0.2})

    with pytest.raises(DataError, match="each label stands so rarely") as caught:
        prepare(parts, cache=tmp_path / "cache", processes=1)

    assert "by: hash" in caught.value.help


def test_more_rows_move_no_row_between_splits(tmp_path):
    places = []
    for count in (100, 150):
        corpus = write_corpus(tmp_path / f"c{count}", train=pairs(count))
        parts = make_parts(corpus, split={"dev": 0.3})
        found = prepare(parts, cache=tmp_path / "cache", processes=1)
        places.append({found.splits["dev"].id(i) for i in range(len(found.splits["dev"]))})

    assert {i for i in places[1] if int(i.split(":")[1]) <= 100} == places[0]


def test_a_vocabulary_never_sees_what_was_cut_out(tmp_path):
    rows = [{"source": f"only{n}", "target": "t"} for n in range(60)]
    corpus = write_corpus(tmp_path / "c", train=rows)
    found = prepare(make_parts(corpus, split={"dev": 0.5}), cache=tmp_path / "cache", processes=1)

    assert found.facts["data.text.source.tokenizer.vocab"] == 4 + len(found.splits["train"])
    assert all((found.splits["dev"].value("source", i) == 1).all() for i in range(len(found.splits["dev"])))


def test_cutting_a_split_that_the_corpus_has_is_refused(corpus, tmp_path):
    with pytest.raises(DataError, match="cuts `dev` out of train, and the corpus has a `dev` of its own"):
        prepare(make_parts(corpus, split={"dev": 0.1}), cache=tmp_path / "cache", processes=1)


def test_a_joint_vocabulary_learns_from_both_sides(corpus, tmp_path):
    from tests.data.fakes import FakeTokenizerConfig

    parts = make_parts(corpus, text={"shared": {"tokenizer": FakeTokenizerConfig()}})
    parts.text["source"] = parts.text["target"]
    found = prepare(parts, cache=tmp_path / "cache", processes=1)

    assert found.facts == {"data.text.shared.tokenizer.vocab": 4 + 23 + 19}
    assert parts.text["target"].trained == 1


def test_labels_are_numbered_by_value_and_strange_ones_refused(tmp_path):
    roles = {"source": Text("en"), "target": Classes(Unknown("digits"))}
    train = [{"source": "a", "target": name} for name in ("10", "9", "2")]
    corpus = write_corpus(tmp_path / "c", train=train, dev=[{"source": "a", "target": "11"}])
    found = prepare(make_parts(corpus, roles=roles), cache=tmp_path / "cache", splits=["train"], processes=1)

    assert found.labels == {"target": ("2", "9", "10")}
    assert found.facts["digits"] == 3
    assert [found.splits["train"].value("target", i) for i in range(3)] == [2, 1, 0]
    with pytest.raises(DataError, match=r"dev has the label '11' \(1 row\), which never occurs in train"):
        found.splits["dev"]


def test_labels_that_look_like_numbers_and_are_none_are_ordered_as_texts():
    assert in_label_order(["10", "-9"]) == ("-9", "10")
    assert in_label_order(["10", "--9"]) == ("--9", "10")
    assert in_label_order(["9" * 5000, "1"]) == ("1", "9" * 5000)


def test_labels_that_a_run_has_not_learned_are_not_said_to_lack_in_train():
    error = unknown_labels([], "target", {"new": 2}, ("no", "yes"), split="train", learned=True)

    assert error.message == "train has the label 'new' (2 rows), which the run has not learned"


def test_unknown_labels_are_told_with_their_row_and_the_label_that_is_near():
    rows = [{"id": "a", "target": "yes"}, {"id": "b", "target": "Yes ", "file": "dev.csv", "row": 3}]
    near = unknown_labels(iter(rows), "target", {"yes": 1, "Yes ": 1}, ("no", "yes"), split="dev")
    many = unknown_labels(
        iter(rows), "target", {"b": 2, "c": 3, "d": 1, "e": 1, "yes": 1}, ("yes",), split="dev"
    )

    assert (near.file, near.row) == ("dev.csv", 3)
    assert "'yes' of train but for" in near.help
    assert "4 labels, among them 'c' (3 rows), 'b' (2 rows), 'd' (1 row) and 1 more" in many.message


def test_a_class_that_train_lacks_keeps_its_number():
    assert class_names({"0": 3, "2": 1}, num=4) == ("0", "1", "2", "3")
    assert class_names({"b": 1, "a": 2}, num=2) == ("a", "b")
    assert class_names({"b": 1}, num=2, known=("a", "b")) == ("a", "b")
    with pytest.raises(DataError, match="the corpus has 2 classes, and train has 1, among them 'c'"):
        class_names({"c": 1}, num=2, known=("a", "b"))


def test_label_order():
    assert in_label_order(["b", "a"]) == ("a", "b")
    assert in_label_order(["10", "-1", "9"]) == ("-1", "9", "10")


def test_several_processes_write_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("seqspec.data.stages.encoding.BLOCK", 5)
    rows = pairs(60)
    rows[17]["target"] = rows[43]["target"] = "a \0 b"
    corpus = write_corpus(tmp_path / "c", train=rows)
    for count in (1, 2):
        parts = make_parts(corpus, split={"dev": 0.2}, on_error={"drop": 0.2})
        prepare(parts, cache=tmp_path / str(count), processes=count)

    one, two = ({f.relative_to(folder): _kept(f) for f in folder.glob("*/*/*")} for folder in
                (tmp_path / "1", tmp_path / "2"))  # fmt: skip
    assert one == two
    assert len(one) > 20


def _kept(file):
    """What a file holds, of a manifest without when its files were written."""
    if file.name != "manifest.json":
        return file.read_bytes()
    found = json.loads(file.read_bytes())
    return found | {"seal": "", "files": {name: f["sha256"] for name, f in found["files"].items()}}


def test_the_index_of_records_knows_no_path_of_this_machine(corpus, tmp_path):
    prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)

    for manifest in (tmp_path / "cache").glob("*/*/manifest.json"):
        assert str(tmp_path) not in manifest.read_text()
        json.loads(manifest.read_text())


def test_splits_can_be_pickled(corpus, tmp_path):
    import pickle

    train = prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1).splits["train"]
    again = pickle.loads(pickle.dumps(train))

    assert np.array_equal(again.value("source", 3), train.value("source", 3))
    assert len(pickle.dumps(train)) < 5000


def test_blocks_of_rows_decide_nothing(tmp_path, monkeypatch):
    rows = [*pairs(40), *[{"source": "", "target": "t0 t1"}] * 9, *pairs(60, start=20), *pairs(5)]
    corpus = write_corpus(tmp_path / "c", train=rows)
    settings = {
        "filter": {"duplicates": "drop", "min_target_tokens": 2},
        "split": {"dev": 0.2},
        "batch": {"unit": "tokens", "size": 60, "buckets": [4, 8]},
    }
    found = []
    for size in (1 << 20, 7):
        monkeypatch.setattr("seqspec.data.store.store.AT_ONCE", size)
        cache = tmp_path / f"cache{size}"
        made = prepare(make_parts(corpus, **settings), cache=cache, processes=1)
        names = {name: [split.id(i) for i in range(len(split))] for name, split in made.splits.items()}
        lengths = {name: split.lengths.tolist() for name, split in made.splits.items()}
        found.append((names, lengths, made.dropped))

    assert found[0] == found[1]
    assert set(found[0][2]["train"]) == {
        "empty source",
        "stood before, word for word",
        "target shorter than 2 tokens",
        "longer than the last bucket, 8",
    }


def test_a_store_that_was_whole_but_had_no_name_yet_is_not_written_twice(corpus, tmp_path, monkeypatch):
    from seqspec.data.store import cache

    whole = prepare(make_parts(corpus), cache=tmp_path / "whole", processes=1).splits["train"]
    finish = cache._finish
    for stage in ("vocabulary", "ids", "index"):

        def stop(partial, of, parts, stage=stage):
            if of == stage:
                raise KeyboardInterrupt
            finish(partial, of, parts)

        monkeypatch.setattr(cache, "_finish", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)
    monkeypatch.setattr(cache, "_finish", finish)
    found = prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1).splits["train"]

    assert found.lengths.tolist() == whole.lengths.tolist()
    assert texts(found) == texts(whole)


def test_a_training_split_without_examples_is_told_as_such(tmp_path):
    corpus = write_corpus(tmp_path / "c", train=[])
    with pytest.raises(DataError, match="split `train` holds no examples"):
        prepare(make_parts(corpus), cache=tmp_path / "cache", processes=1)


def test_a_share_that_cuts_nothing_out_is_told_with_the_remedy(tmp_path):
    corpus = write_corpus(tmp_path / "c", train=pairs(1))
    with pytest.raises(DataError, match="cuts none of the 1 training examples out as dev") as caught:
        prepare(make_parts(corpus, split={"dev": 1e-9}), cache=tmp_path / "cache", processes=1)

    assert "`data.split.dev`" in caught.value.help


@pytest.mark.parametrize(("strange", "known"), [("0", "0.0"), ("3.0", "3"), ("-1", "-1.00")])
def test_an_unknown_label_that_is_a_known_number_is_told(strange, known):
    error = unknown_labels([], "target", {"other": 1, strange: 2}, (known, "x"), split="dev")

    assert error.help.startswith(f"{strange!r} is the number {known!r} of train: write one for both")

from __future__ import annotations

import pytest

from seqspec.data.corpus.corpus_check import corpus_problems
from tests.components.adapter.cases import CASES, reader, synthetic

SIDES = {"source_language": "ja", "target_language": "en", "splits": {"train": "train", "dev": "dev"}}


def _problems(adapter, splits=("train",), **keys):
    return [str(error) for error in corpus_problems(adapter, splits, **{"expect": {}, **keys})]


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_wrong_with_a_sound_corpus(name, tmp_path):
    adapter = synthetic(name, tmp_path, **CASES[name][0])

    assert _problems(adapter, adapter.splits()) == []


def _pair(tmp_path, source: bytes, target: bytes):
    for split in ("train", "dev"):
        (tmp_path / f"{split}.ja").write_bytes(source)
        (tmp_path / f"{split}.en").write_bytes(target)
    return reader("bitext", tmp_path, **SIDES)


def test_parallel_lengths_are_compared(tmp_path):
    found = _problems(_pair(tmp_path, b"a\nb\n", b"1\n"))

    assert len(found) == 1
    assert "has 2 lines" in found[0]


def test_counts_are_compared_with_what_the_spec_expects(tmp_path):
    adapter = _pair(tmp_path, b"a\nb\n", b"1\n2\n")

    assert _problems(adapter, expect={"train": 2, "dev": 3}) == []
    assert "has 2 examples, and the spec expects 3" in _problems(adapter, expect={"train": 3})[0]


def test_bad_rows_are_gathered_by_reason(tmp_path):
    found = _problems(_pair(tmp_path, b"\xff\n\xff\n\xff\n\nok\n", b"1\n2\n3\n4\n5\n"))

    assert len(found) == 2
    assert "3 rows like this" in found[0]
    assert "train.ja:1" in found[0]
    assert "empty" in found[1]


def test_bad_rows_that_may_be_dropped_pass(tmp_path):
    adapter = _pair(tmp_path, b"\xff\nok\nok\nok\n", b"1\n2\n3\n4\n")

    assert _problems(adapter, may_drop=0.5) == []
    assert len(_problems(adapter, may_drop=0.1)) == 1


def test_a_corpus_that_is_not_there_is_told_once(tmp_path):
    assert len(_problems(reader("bitext", tmp_path / "no", **SIDES), ("train", "dev"))) == 1


def test_audio_headers_are_looked_at(tmp_path):
    adapter = synthetic("librispeech", tmp_path, parts={"train": ["train-clean-5"]})
    path = next(iter(adapter.examples("train")))["source"].path
    path.write_bytes(b"fLaC and nothing more")

    assert "cannot be read" in _problems(adapter)[0]


def test_ids_that_repeat_are_told(tmp_path):
    (tmp_path / "t").write_text("name\tja\tkind\nn\ta\tx\nn\tb\tx\n")
    keys = {"splits": {"train": "t"}, "source": {"text": "ja", "language": "ja"}, "target": {"label": "kind"}}

    assert "have one id" in _problems(reader("tsv", tmp_path, id="name", **keys))[0]
    assert _problems(reader("tsv", tmp_path, **keys)) == []


def test_an_empty_split_is_told(tmp_path):
    (tmp_path / "train.txt").write_text("\n\n")

    assert "holds no examples" in _problems(reader("lines", tmp_path, language="en"))[0]


def test_labels_that_train_does_not_have_are_told(tmp_path):
    pair = {"source": {"text": "a", "language": "en"}, "target": {"label": "b"}}
    (tmp_path / "train").write_text("a,b\nx,0\ny,1\n")
    (tmp_path / "dev").write_text("a,b\nx,0\ny,1.0\n")
    adapter = reader("csv", tmp_path, **pair, splits={"train": "train", "dev": "dev"})
    (error,) = corpus_problems(adapter, ("train", "dev"), expect={})

    assert "dev has the label '1.0' (1 row), which never occurs in train" in str(error)
    assert error.row == 3
    assert "the number '1' of train" in error.help
    assert _problems(adapter, ("train",)) == []
    assert _problems(adapter, ("dev",)) == []

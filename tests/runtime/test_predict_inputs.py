"""What ``predict`` is given: tables and texts as they come, folders, files that cannot be read."""

import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from seqspec.runtime.evaluation.evaluator import Found
from seqspec.runtime.prediction import predict as module
from seqspec.runtime.prediction.inputs import files_of, texts_of
from seqspec.schema.diagnostic import DataError
from tests.components.adapter.cases import reader

REVIEWS = {
    "splits": {"train": "train.csv"},
    "source": {"text": "text", "language": "ja"},
    "target": {"label": "label"},
    "id": "number",
}


def texts(path, name="csv", **keys):
    return list(texts_of([str(path)], reader(name, path.parent, **{**REVIEWS, **keys})))


def test_a_table_like_the_corpus_gives_its_column(tmp_path):
    path = tmp_path / "new.csv"
    path.write_bytes('﻿star,text\r\n5,"良い, とても"\r\n1,""\r\n3,"二\n行"\r\n'.encode())

    assert texts(path) == ["良い, とても", "", "二\n行"]


def test_json_lines_may_lack_the_target(tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text('{"text": "良い"}\n\n{"text": null}\n{"text": ""}\n')

    assert texts(path, "jsonl") == ["良い", "", ""]


def test_a_table_without_the_column_is_told_with_those_it_has(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("review,star\n良い,5\n")

    with pytest.raises(DataError, match="there is no column `text`; the file has `review`, `star`"):
        texts(path)


def test_any_other_file_is_lines(tmp_path):
    path = tmp_path / "new.txt"
    path.write_bytes(b"\xef\xbb\xbftext\r\na,b\r\n\r\nc")

    assert texts(path) == ["text", "a,b", "", "c"]


def test_the_encoding_of_japanese_is_named(tmp_path):
    path = tmp_path / "new.txt"
    path.write_bytes("これはペンです。\n".encode("cp932"))

    with pytest.raises(DataError, match="reads as Shift_JIS"):
        texts(path)


def test_standard_input_ends_its_lines_as_files_do(monkeypatch):
    given = io.BytesIO("﻿良い\r\n悪い\n".encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given))

    assert list(texts_of([], reader("csv", None, **REVIEWS))) == ["良い", "悪い"]


def test_a_folder_stands_for_its_files(tmp_path):
    for name in ("b.wav", "a/c.FLAC", "a/notes.txt", ".hidden.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert files_of([str(tmp_path), "x.wav"], "audio") == [
        f"{tmp_path}/a/c.FLAC",
        f"{tmp_path}/b.wav",
        "x.wav",
    ]


def test_a_folder_without_files_of_the_kind_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        files_of([str(tmp_path)], "pictures")
    with pytest.raises(DataError, match="is a folder"):
        texts(tmp_path)


class Deaf:
    """Stands in for a predictor: hears files by the length of their names, and none that begin with a b."""

    def prepare(self, name):
        if name.startswith("b"):
            raise DataError("damaged", file=name)
        return np.zeros(len(name))

    def answers(self, values, inputs):
        return (Found(row, ((f"{len(value)}", -1.0),)) for row, value in enumerate(values))


def heard(names):
    faults = []
    found = list(module._file_answers(Deaf(), names, faults))
    return [(name, one.hypotheses and one.hypotheses[0][0]) for name, one in found], faults


def test_one_bad_file_of_several_stops_no_other():
    found, faults = heard(["aaa", "bad", "aa", "aaa"])

    assert found == [("aaa", "3"), ("bad", ()), ("aa", "2"), ("aaa", "3")]
    with pytest.raises(DataError, match=r"1 of 4 files cannot be read: damaged \(bad\)"):
        module._tell(faults, 4)


def test_a_bad_file_alone_is_an_error():
    with pytest.raises(DataError, match="damaged"):
        heard(["bad"])


def test_a_file_without_an_answer_keeps_its_line():
    settings = {"nbest": 3, "scores": True}

    assert module._line("bad", module.NOTHING, format="text", **settings) == "\n"
    assert json.loads(module._line("bad", module.NOTHING, format="json", **settings))["hypotheses"] == []
    assert module._with_name("a.wav", "1\tyes\n2\tno\n") == "a.wav\t1\tyes\na.wav\t2\tno\n"
    # Only a line feed ends a line: a text may hold what other programs take for one.
    assert module._with_name("a.wav", "yes\u2028no\x85\n") == "a.wav\tyes\u2028no\x85\n"
    assert module._with_name("a.wav", "\n") == "a.wav\t\n"

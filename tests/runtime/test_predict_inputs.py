"""What ``predict`` is given: tables and texts as they come, folders, files that cannot be read."""

import csv
import io
import json
import math
import os
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components.predictions import LabelPrediction, TextPrediction
from seqspec.runtime.prediction.file_inputs import files_of
from seqspec.runtime.prediction.input import Input, unread
from seqspec.runtime.prediction.inputs import check_names, read_inputs
from seqspec.runtime.prediction.output_formats import Printing, json_line, text_lines, writer
from seqspec.runtime.prediction.predict import print_all
from seqspec.runtime.prediction.predictor import Prediction, Predictor
from seqspec.schema.diagnostic import DataError, RunError
from seqspec.schema.types import Classes, Frames, Text, Waveform
from tests.components.adapter.cases import reader

REVIEWS = {
    "splits": {"train": "train.csv"},
    "source": {"text": "text", "language": "ja"},
    "target": {"label": "label"},
    "id": "number",
}


def inputs(path, name="csv", column=None, **keys):
    adapter = reader(name, path.parent, **{**REVIEWS, **keys})
    parts = SimpleNamespace(adapter=adapter, roles={"source": Text("ja"), "target": Classes(2)})
    return list(read_inputs([str(path)], parts=parts, column=column))


def texts(path, name="csv", **keys):
    found = inputs(path, name, **keys)
    for one in found:
        if one.error:
            raise one.error
    return [one.value for one in found]


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

    with pytest.raises(DataError, match="there is no column `text`; the file has `review`, `star`") as told:
        texts(path)
    assert "--column" in told.value.help


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

    parts = SimpleNamespace(adapter=None, roles={"source": Text("ja")})

    assert [one.value for one in read_inputs([], parts=parts)] == ["良い", "悪い"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("良い映画\n".encode("cp932"), "reads as Shift_JIS"),
        ("良い映画\n".encode("euc_jp"), "reads as EUC-JP"),
        ("良い\n".encode("utf-16"), "UTF-16"),
        (b"good\rbad\r", "carriage returns"),
    ],
)
def test_standard_input_in_another_encoding_is_told_as_a_file_is(given, told, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(given)))
    parts = SimpleNamespace(adapter=None, roles={"source": Text("ja")})

    try:
        error = next(iter(read_inputs([], parts=parts))).error
    except DataError as refused:
        error = refused
    assert error is not None
    assert told in error.message


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
    with pytest.raises(DataError, match="holds no images"):
        files_of([str(tmp_path)], "images")
    with pytest.raises(DataError, match="is a folder"):
        texts(tmp_path)


@pytest.mark.parametrize("run", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("given", ["csv", "tsv", "jsonl"])
def test_a_table_of_any_format_is_read_by_its_column(tmp_path, run, given):
    """A cell of several lines stays one input; ids and all columns go along."""
    path = tmp_path / f"new.{given}"
    path.write_text({
        "csv": 'number,text\n7,"a, b"\n8,二\n',
        "tsv": "number\ttext\n7\ta, b\n8\t二\n",
        "jsonl": '{"number": "7", "text": "a, b"}\n{"number": "8", "text": "二"}\n',
    }[given])  # fmt: skip

    found = inputs(path, run)

    assert [(one.id, one.value) for one in found] == [("7", "a, b"), ("8", "二")]
    assert found[0].columns == {"number": "7", "text": "a, b"}


def test_a_table_is_refused_where_nothing_says_which_column_is_read(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("a,b\n1,x\n")
    parts = SimpleNamespace(adapter=None, roles={"source": Text("en")})

    with pytest.raises(RunError, match="not trained on tables"):
        list(read_inputs([str(path)], parts=parts))
    assert [one.value for one in read_inputs([str(path)], parts=parts, column="b")] == ["x"]


def test_recordings_are_named_by_a_column_beside_their_table(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("wav,who\na.wav,x\n")
    parts = SimpleNamespace(adapter=None, roles={"source": Waveform(16_000)})

    found = list(read_inputs([str(path)], parts=parts, column="wav"))

    assert [one.value.path for one in found] == [tmp_path / "a.wav"]
    assert found[0].columns == {"wav": "a.wav", "who": "x"}


def test_a_pipe_is_read_and_a_device_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    parts = SimpleNamespace(adapter=None, roles={"source": Text("en")})
    threading.Thread(target=pipe.write_text, args=("one\ntwo\n",), daemon=True).start()

    check_names([str(pipe)])
    assert [one.value for one in read_inputs([str(pipe)], parts=parts)] == ["one", "two"]
    with pytest.raises(DataError, match="is a device"):
        check_names(["/dev/zero"])


def deaf(name):
    """Hears files by the length of their names, and none that begin with a b."""
    if name.startswith("b"):
        raise DataError("damaged", file=name)
    return np.zeros((len(name), 1), np.float32)


def search(batch):
    lengths = batch.source_lengths.tolist()
    if max(lengths) > 4:
        raise InputTooLong(max(lengths), 4)
    return [[TextPrediction(str(length), -1.0)] for length in lengths]


def heard(names):
    predictor = Predictor(search, deaf, Frames(1, 100.0), max_units=100)
    written = []
    error = None
    try:
        print_all(predictor([Input(name, name) for name in names]), written.append, alone=len(names) == 1)
    except DataError as raised:
        error = str(raised)
    return [one.hypotheses and one.hypotheses[0].text for one in written], error


def test_one_bad_file_of_several_stops_no_other():
    assert heard(["aaa", "bad", "aa", "aaa"]) == (
        ["3", (), "2", "3"], "1 of 4 inputs have no prediction: damaged (bad)"
    )  # fmt: skip


def test_one_input_that_is_too_long_stops_no_other():
    found, error = heard(["aaa", "aaaaaa", "aaaa"])

    assert found == ["3", (), "4"]
    assert "the input has 6 positions, and the model has learned 4" in error


def test_a_bad_file_alone_is_an_error():
    assert heard(["bad"]) == ([], "damaged (bad)")


def test_a_file_without_a_prediction_keeps_its_line():
    bad = Prediction(Input("", "bad"), ())
    printing = Printing(nbest=3, scores=True)

    assert text_lines(bad, printing) == "\n"
    assert json.loads(json_line(bad, printing))["hypotheses"] == []
    assert text_lines(bad, Printing(named=True)) == "bad\t\n"


def test_only_a_line_feed_ends_a_line():
    found = Prediction(Input("", "a.wav"), (TextPrediction("yes\u2028no\x85", 0.0),))

    assert text_lines(found, Printing(named=True)) == "a.wav\tyes\u2028no\x85\n"


def test_columns_classes_and_hypotheses_stand_in_a_csv():
    out = io.StringIO()
    write = writer(out, Printing("csv", nbest=2, all_classes=True))
    row = Input("x", "x", columns={"text": "x,\ny", "score": 3})

    write(Prediction(row, (LabelPrediction("b", math.log(0.75)), LabelPrediction("a", math.log(0.25)))))

    assert list(csv.reader(io.StringIO(out.getvalue()))) == [
        ["text", "score", "prediction", "score_2", "rank", "p(a)", "p(b)"],
        ["x,\ny", "3", "b", "-0.287682", "1", "0.250000", "0.750000"],
        ["x,\ny", "3", "a", "-1.386294", "2", "0.250000", "0.750000"],
    ]


def test_a_row_at_fault_has_its_place():
    fault = unread(DataError("no text", file="t.csv", row=2), columns={"text": ""})

    assert (
        json.loads(json_line(Prediction(fault, (), fault.error), Printing()))["error"] == "no text (t.csv:2)"
    )

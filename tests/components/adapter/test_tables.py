from __future__ import annotations

import json

import pytest

from seqspec.data.corpus.record import AudioRef, BadRow
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Classes, Image, Text, Waveform

from .cases import config, reader

PAIR = {"source": {"text": "ja", "language": "ja"}, "target": {"label": "kind"}}


def _read(name, tmp_path, content: str | bytes, **keys):
    (tmp_path / "t").write_bytes(content.encode() if isinstance(content, str) else content)
    return list(reader(name, tmp_path, **{"splits": {"train": "t"}, **PAIR, **keys}).examples("train"))


def _pairs(rows):
    return [row.reason if isinstance(row, BadRow) else (row["source"], row["target"]) for row in rows]


def test_tsv_knows_no_quotes(tmp_path):
    rows = _read("tsv", tmp_path, 'kind\tja\na\t"開いた\nb\t"閉じた"\n')

    assert _pairs(rows) == [('"開いた', "a"), ('"閉じた"', "b")]


def test_csv_knows_quotes(tmp_path):
    rows = _read("csv", tmp_path, 'kind,ja\na,"x, ""y""\nz"\nb,w\n')

    assert _pairs(rows) == [('x, "y"\nz', "a"), ("w", "b")]
    assert [row["row"] for row in rows] == [2, 4]


def test_csv_with_an_open_quote_is_refused_where_it_begins(tmp_path):
    with pytest.raises(DataError, match="not CSV") as caught:
        _read("csv", tmp_path, 'kind,ja\na,b\nc,"d\ne,f\n')
    assert caught.value.row == 3
    assert "never closed" in caught.value.message
    assert "twice" in caught.value.help


def test_a_csv_row_over_two_lines_that_is_not_utf8_is_bad_at_its_byte(tmp_path):
    rows = _read("csv", tmp_path, b'kind,ja\na,"x\n\xe9\xe9 y"\nb,w\n')

    assert _pairs(rows) == ["byte 0xe9 is not valid UTF-8: convert the file, as by iconv -f ENCODING -t UTF-8",
                            ("w", "b")]  # fmt: skip
    assert (rows[0].row, rows[0].byte) == (3, 13)


def test_a_csv_header_that_is_not_utf8_is_refused(tmp_path):
    with pytest.raises(DataError, match="0xe9") as caught:
        _read("csv", tmp_path, b"kind,ja,caf\xe9\na,b,c\n")
    assert (caught.value.row, caught.value.byte) == (1, 11)


def test_cells_of_parquet_that_python_cannot_hold_are_bad_where_they_are_read(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    raw = arrow.array([b"one", b"caf\xe9", b"two"], arrow.binary()).buffers()
    texts = arrow.StringArray.from_buffers(3, raw[1], raw[2])
    far = arrow.array([0, 10**15, 0], arrow.timestamp("s"))
    table = arrow.table({"ja": texts, "kind": ["a", "b", "c"], "when": far})
    parquet.write_table(table, tmp_path / "t")

    rows = _read("parquet", tmp_path, (tmp_path / "t").read_bytes())
    every = list(reader("parquet", tmp_path, splits={"train": "t"}, **PAIR).all_rows(tmp_path / "t"))

    assert _pairs(rows) == [("one", "a"), "column `ja` is not valid UTF-8 (byte 3 of it)", ("two", "c")]
    assert rows[1].row == 2
    assert [row.cells["kind"] for row in every] == ["a", "b", "c"]


def test_rows_of_other_widths_and_empty_cells_are_bad(tmp_path):
    rows = _read("tsv", tmp_path, "kind\tja\na\nb\tx\ty\n\t z\nc\t \nd\tok\n")

    assert [isinstance(row, BadRow) for row in rows] == [True, True, True, True, False]
    assert "1 columns, not 2" in rows[0].reason
    assert [row.row for row in rows[:4]] == [2, 3, 4, 5]


def test_a_missing_column_is_told_with_those_that_are_there(tmp_path):
    with pytest.raises(DataError, match="no column `ja`; the file has `kind`, `j\\\\x1ba`"):
        _read("tsv", tmp_path, "kind\tj\x1ba\n1\t2\n")


def test_two_columns_of_one_name_are_refused_where_the_spec_names_them(tmp_path):
    with pytest.raises(DataError, match="two columns") as caught:
        _read("tsv", tmp_path, "kind\tja\tja\n")
    assert "a name of its own" in caught.value.help

    assert _pairs(_read("csv", tmp_path, "kind,ja,,\na,x,,\n")) == [("x", "a")]


def test_a_row_wider_than_the_header_may_lack_quotes(tmp_path):
    (row,) = _read("csv", tmp_path, "kind,ja\na,x, y\n")

    assert "quotes" in row.remedy


def test_jsonl_bad_lines_are_told(tmp_path):
    lines = [
        json.dumps({"ja": "あ", "kind": 1}),
        json.dumps({"ja": "い", "kind": True}),
        "{",
        "[]",
        json.dumps({"ja": "う"}),
        json.dumps({"ja": 1.5, "kind": "a"}),
        json.dumps({"ja": None, "kind": "a"}),
        "[" * 100_000,
        '{"ja": "え", "kind": ' + "9" * 5000 + "}",
    ]
    found = _pairs(_read("jsonl", tmp_path, "\n".join(lines)))

    assert found[:2] == [("あ", "1"), ("い", "true")]
    for reason, part in zip(
        found[2:], ["JSON", "list", "no column `kind`", "float", "empty", "hostile", "hostile"], strict=True
    ):
        assert part in reason


def test_json_that_no_text_or_no_single_value_comes_from_is_bad(tmp_path):
    rows = _read("jsonl", tmp_path, '{"kind": "a", "ja": "x\\ud83d"}\n{"kind": "a", "ja": "x", "ja": "y"}\n')

    assert [row.reason for row in rows] == [
        "column `ja` holds half of a surrogate pair, which is no text",
        "the key `ja` is given twice",
    ]


@pytest.mark.parametrize(
    ("line", "said", "command"),
    [
        ('{"kind": "a", "ja": "x"},\n', "a comma behind each", "sed 's/,$//' t > t.jsonl"),
        ('{"kind": "a", "ja": "x"}{"kind": "b", "ja": "y"}\n', "on one line", "jq -c '.' t > t.jsonl"),
        ("{'kind': 'a', 'ja': 'x'}\n", "Python's own print", "ast.literal_eval"),
        ('{\n"kind": "a"}\n', "over several lines", "jq -c '.'"),
    ],
)
def test_objects_that_do_not_end_with_lines_are_told_with_what_converts_them(line, said, command, tmp_path):
    with pytest.raises(DataError, match=said) as caught:
        _read("jsonl", tmp_path, line * 2)

    assert command in caught.value.help


def test_a_missing_value_and_a_nested_column_are_told_so(tmp_path):
    rows = _read("jsonl", tmp_path, '{"kind": NaN, "ja": "x"}\n{"row": {"kind": "a", "ja": "x"}}\n')

    assert "NaN, the mark of a missing value" in rows[0].reason
    assert rows[1].remedy == "did you mean `row.ja`?"


def test_ids_and_speakers_come_from_columns(tmp_path):
    rows = _read("tsv", tmp_path, "kind\tja\tname\twho\na\tx\tn1\ts1\n", id="name", speaker="who")

    assert (rows[0]["id"], rows[0]["speaker"]) == ("n1", "s1")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../x.wav", "leads out"),
        ("/etc/passwd", "leads out"),
        ("a/../../x.wav", "leads out"),
        ("~/x.wav", "begins with `~`"),
        ("..\\x.wav", "has a backslash"),
        ("a\0.wav", "is no path"),
    ],
)
def test_audio_paths_stay_below_the_corpus(path, reason, tmp_path):
    keys = {"source": {"audio": "ja", "rate": 16000}}
    line = json.dumps({"ja": path, "kind": "a"})
    rows = _read("jsonl", tmp_path, line, **keys)

    assert isinstance(rows[0], BadRow)
    assert reason in rows[0].reason


def test_audio_paths_are_references(tmp_path):
    rows = _read("tsv", tmp_path, "kind\tja\na\tclips/1.wav\n", source={"audio": "ja", "rate": 16000})

    assert rows[0]["source"] == AudioRef(tmp_path / "clips" / "1.wav")


@pytest.mark.parametrize(
    ("column", "type_"),
    [
        ({"text": "a", "language": "ja"}, Text("ja")),
        ({"audio": "a", "rate": 8000}, Waveform(8000)),
        ({"image": "a", "height": 2, "width": 3}, Image(3, 2, 3)),
        ({"image": "a", "height": 2, "width": 3, "channels": 1}, Image(1, 2, 3)),
    ],
)
def test_roles_are_typed(column, type_):
    roles = config("tsv", splits={"train": "t"}, source=column, target={"label": "b"}).roles()

    assert roles["source"] == type_
    assert isinstance(roles["target"], Classes)


@pytest.mark.parametrize("name", ["tsv", "csv"])
@pytest.mark.parametrize(("header", "column"), [(True, 3), (False, "kind")])
def test_columns_are_names_with_a_header_and_numbers_without(name, header, column):
    with pytest.raises(Mismatch) as caught:
        config(name, splits={"train": "t"}, target={"label": column}, header=header).roles()

    assert caught.value.at == ("target", "label")


@pytest.mark.parametrize(
    ("column", "at"),
    [
        ({}, ("source",)),
        ({"text": "a", "label": "b"}, ("source",)),
        ({"text": "a"}, ("source",)),
        ({"audio": "a"}, ("source",)),
        ({"label": "a", "language": "ja"}, ("source", "language")),
        ({"text": "a", "language": "ja", "rate": 8000}, ("source", "rate")),
        ({"label": "a", "resample": True}, ("source", "resample")),
        ({"image": "a", "height": 3}, ("source",)),
        ({"text": "a", "language": "ja", "width": 3}, ("source", "width")),
        ({"image": "a", "height": 3, "width": 3, "rate": 8000}, ("source", "rate")),
    ],
)
def test_roles_that_do_not_fit_are_blamed_where_they_stand(column, at):
    with pytest.raises(Mismatch) as caught:
        config("tsv", splits={"train": "t"}, source=column, target={"label": "b"}).roles()

    assert caught.value.at == at
    assert caught.value.help


def test_names_with_the_marks_of_patterns_are_names_where_they_are_there(tmp_path):
    (tmp_path / "t[1].tsv").write_text("kind\tja\na\tx\n")
    rows = list(reader("tsv", tmp_path, splits={"train": "t[1].tsv"}, **PAIR).examples("train"))

    assert _pairs(rows) == [("x", "a")]


def test_parquet_streams_only_named_columns(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "ja": [f"文{n}" for n in range(3000)],
            "kind": [n % 3 for n in range(3000)],
            "junk": [b"\x80"] * 3000,
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    rows = list(reader("parquet", tmp_path, splits={"train": "*.parquet"}, **PAIR).examples("train"))

    assert len(rows) == 3000
    assert (rows[2999]["source"], rows[2999]["target"], rows[2999]["row"]) == ("文2999", "2", 3000)


@pytest.mark.parametrize("name", ["parquet", "hf_dataset"])
def test_damaged_arrow_files_are_data_errors(name, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "state.json").write_text('{"_data_files": [{"filename": "d.arrow"}]}')
    (tmp_path / "train" / "d.arrow").write_bytes(b"no arrow at all")
    files = {"parquet": "train/d.arrow", "hf_dataset": "train"}

    with pytest.raises(DataError, match="no sound"):
        list(reader(name, tmp_path, splits={"train": files[name]}, **PAIR).examples("train"))


@pytest.mark.parametrize(
    "state", ["{", "[]", "{}", '{"_data_files": [{"filename": "../../x"}]}', '{"_data_files": 3}']
)
def test_hostile_dataset_states_are_data_errors(state, tmp_path):
    (tmp_path / "state.json").write_text(state)

    with pytest.raises(DataError, match=r"no state|no shard"):
        list(reader("hf_dataset", tmp_path, splits={"train": "."}, **PAIR).examples("train"))


def test_datasets_with_a_selection_beside_them_are_refused(tmp_path):
    state = {"_data_files": [], "_indices_data_files": [{"filename": "indices.arrow"}]}
    (tmp_path / "state.json").write_text(json.dumps(state))

    with pytest.raises(DataError, match="selection of its rows"):
        list(reader("hf_dataset", tmp_path, splits={"train": "."}, **PAIR).examples("train"))


def test_dataset_scripts_are_never_looked_at(tmp_path):
    pytest.importorskip("pyarrow")
    from .cases import synthetic

    adapter = synthetic("hf_dataset", tmp_path, splits={"train": "train"}, **PAIR)
    (tmp_path / "train" / "train.py").write_text("raise SystemExit('ran')")

    assert len(list(adapter.examples("train"))) == 6


def _saved(folder, columns, features=None, *, options=None):
    """A dataset as ``save_to_disk`` leaves it, in batches of two rows."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table(columns)
    if features is not None:
        noted = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": noted})
    folder.mkdir(parents=True, exist_ok=True)
    with (
        pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema, options=options) as stream,
    ):
        stream.write_table(table, max_chunksize=2)
    (folder / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')


def _dataset(folder, **keys):
    return list(reader("hf_dataset", folder, splits={"train": "."}, **{**PAIR, **keys}).examples("train"))


def test_classes_have_the_names_that_the_dataset_gives_them(tmp_path):
    features = {"kind": {"names": ["猫", "dog"], "_type": "ClassLabel"}, "ja": {"dtype": "string"}}
    _saved(tmp_path, {"ja": ["a", "b", "c", "d"], "kind": [1, 0, -1, 7]}, features)
    rows = _dataset(tmp_path)

    assert _pairs(rows[:2]) == [("a", "dog"), ("b", "猫")]
    assert ["column `kind` is empty" in row.reason for row in rows[2:]] == [True, True]


@pytest.mark.parametrize("noted", [None, {}, [], {"kind": None}, {"kind": {"names": [1]}}, {"kind": "x"}])
def test_features_that_say_nothing_of_classes_leave_the_numbers(noted, tmp_path):
    _saved(tmp_path, {"ja": ["a"], "kind": [1]}, noted)

    assert _pairs(_dataset(tmp_path)) == [("a", "1")]


def _png(value):
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (4, 3), (value, 0, 0)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("name", ["hf_dataset", "parquet"])
def test_pictures_are_read_from_the_dataset_or_from_files(name, tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("PIL")
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "b.png").write_bytes(_png(9))
    cells = [
        {"bytes": _png(7), "path": "a.png"},
        {"bytes": None, "path": "b.png"},
        {"bytes": b"none", "path": "c.png"},
        {"bytes": None, "path": "../d.png"},
        {"bytes": None, "path": None},
    ]
    columns = {"picture": cells, "kind": ["x"] * 5}
    if name == "parquet":
        pq.write_table(pa.table(columns), tmp_path / "t")
        split = "t"
    else:
        _saved(tmp_path, columns)
        split = "."
    source = {"image": "picture", "height": 3, "width": 4}
    rows = list(
        reader(name, tmp_path, splits={"train": split}, **{**PAIR, "source": source}).examples("train")
    )

    assert [row["source"][:, 0, 0].tolist() for row in rows[:2]] == [[7, 0, 0], [9, 0, 0]]
    assert rows[0]["source"].shape == (3, 3, 4)
    for row, part in zip(rows[2:], ["cannot be read", "leads out", "is empty"], strict=True):
        assert part in row.reason


def test_a_picture_of_another_size_names_its_file(tmp_path):
    pytest.importorskip("PIL")
    (tmp_path / "b.png").write_bytes(_png(9))
    rows = _read("tsv", tmp_path, "kind\tja\nx\tb.png\n", source={"image": "ja", "height": 8, "width": 8})

    assert "3 × 4, not 8 × 8" in rows[0].reason
    assert rows[0].remedy.startswith("set `resize: true`")
    assert "b.png" in rows[0].reason


def _wav(value, count):
    from io import BytesIO

    import numpy as np
    import soundfile

    file = BytesIO()
    soundfile.write(file, np.full(count, value, np.float32), 16000, format="WAV", subtype="FLOAT")
    return file.getvalue()


def test_audio_is_read_from_within_the_dataset(tmp_path):
    cells = [
        {"bytes": _wav(0.25, 5), "path": "a.wav"},
        {"bytes": None, "path": "clips/b.wav"},
        {"bytes": _wav(0.5, 7), "path": None},
    ]
    _saved(tmp_path, {"sound": cells, "kind": ["x"] * 3})
    adapter = reader(
        "hf_dataset", tmp_path, splits={"train": "."}, **{**PAIR, "source": {"audio": "sound", "rate": 16000}}
    )
    rows, read = list(adapter.examples("train")), adapter.audio()

    assert rows[1]["source"] == AudioRef(tmp_path / "clips" / "b.wav")
    assert [read.num_samples(rows[index]["source"]) for index in (0, 2)] == [5, 7]
    assert read(rows[0]["source"]).tolist() == [0.25] * 5
    assert read(rows[2]["source"]._replace(start=2, end=4)).tolist() == [0.5] * 2


def test_audio_that_is_compressed_away_is_a_bad_row_with_a_remedy(tmp_path):
    pa = pytest.importorskip("pyarrow")
    cells = [{"bytes": _wav(0.0, 20_000), "path": "a.wav"}]
    _saved(tmp_path, {"sound": cells, "kind": ["x"]}, options=pa.ipc.IpcWriteOptions(compression="zstd"))
    rows = _dataset(tmp_path, source={"audio": "sound", "rate": 16000})

    assert "save it by `save_to_disk`" in rows[0].reason


def test_recordings_that_a_dataset_names_are_files_of_the_corpus(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    paths = [{"bytes": None, "path": str(tmp_path / name)} for name in ("a.wav", "gone.wav")]
    _saved(tmp_path, {"sound": [*paths, {"bytes": _wav(0.0, 90), "path": "b.wav"}], "kind": ["x"] * 3})
    keys = {**PAIR, "source": {"audio": "sound", "rate": 16000}}
    adapter = reader("hf_dataset", tmp_path, splits={"train": "."}, **keys)

    names = [file.name for file in adapter.files("train")]
    assert names == ["state.json", "data-00000-of-00001.arrow", "a.wav"]


def test_cut_off_audio_within_a_dataset_is_told(tmp_path):
    _saved(tmp_path, {"sound": [{"bytes": _wav(0.5, 900)[:-400], "path": None}], "kind": ["x"]})
    source = {"audio": "sound", "rate": 16000}
    adapter = reader("hf_dataset", tmp_path, splits={"train": "."}, **{**PAIR, "source": source})
    (row,) = adapter.examples("train")

    with pytest.raises(DataError, match="cut off"):
        adapter.audio().num_samples(row["source"])


@pytest.mark.parametrize(
    ("content", "help"),
    [
        ("kind\tJa \na\tx\n", "did you mean `Ja `?"),
        ("kind\tｊａ\na\tx\n", "did you mean `ｊａ`?"),
        ('[{"ja": "x"}]\n', "the file holds a JSON array"),
        ('{"ja": "x"}\n', "adapter `jsonl`"),
        ("kind,ja\na,x\n", 'type: csv, delimiter: ","'),
        ("kind;ja\na;x\n", 'type: csv, delimiter: ";"'),
        ("a\tこれはペンです\nb\tx\n", "set `header: false`"),
    ],
)
def test_a_first_row_that_is_not_as_promised_is_told_with_what_is_likely(content, help, tmp_path):
    with pytest.raises(DataError, match="no column") as caught:
        _read("tsv", tmp_path, content)

    assert help in caught.value.help


@pytest.mark.parametrize(("name", "mark", "keys"), [("csv", ",", {}), ("csv", ";", {"delimiter": ";"}),
                                                    ("tsv", "\t", {})])  # fmt: skip
def test_a_first_row_in_which_excel_notes_the_delimiter_is_no_row(name, mark, keys, tmp_path):
    content = f"\ufeffsep={mark}\r\nkind{mark}ja\r\na{mark}x, y; z\r\n".replace(
        ", y", "" if mark == "," else ", y"
    )
    rows = _read(name, tmp_path, content.replace("; z", "" if mark == ";" else "; z"), **keys)

    assert [row["target"] for row in rows] == ["a"]
    assert rows[0]["row"] == 3


@pytest.mark.parametrize(
    ("above", "help"),
    [
        ("sep=\n", "delete the first row, in which Excel notes the delimiter"),
        (
            "sep=;\n",
            'delete the first row, in which Excel notes the delimiter, and read it by `{type: csv, delimiter: ";"}`',
        ),
        ("# made by hand\n", "row 2 names the columns"),
        (" \n\n", "row 3 names the columns"),
        ("Reviews of 2026,,\n,,\n", "row 3 names the columns"),
    ],
)
def test_what_stands_above_the_header_is_told(above, help, tmp_path):
    with pytest.raises(DataError, match="no column") as caught:
        _read("csv", tmp_path, f"{above}kind,ja\na,x\n")

    assert help in caught.value.help


def test_tabs_in_a_csv_file_are_told(tmp_path):
    with pytest.raises(DataError, match="no column") as caught:
        _read("csv", tmp_path, "kind\tja\na\tx\n")

    assert "adapter `tsv`" in caught.value.help


def test_a_header_that_cannot_be_decoded_is_no_bad_row(tmp_path):
    with pytest.raises(DataError, match="not valid UTF-8"):
        _read("tsv", tmp_path, b"kind\tj\xe9\na\tx\n")


def test_a_row_without_a_column_tells_those_it_has(tmp_path):
    rows = _read("jsonl", tmp_path, json.dumps({"jp": "あ", "kind": "a"}))

    assert rows[0].reason == "there is no column `ja`; the row has `jp`, `kind`"


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.tsv", "a/../../x.tsv", "~/x.tsv"])
def test_files_stand_below_the_corpus_folder(name):
    with pytest.raises(ValueError, match="does not stand below"):
        config("tsv", splits={"train": name}, **PAIR)


_PIECES = {"source": {"audio": "path", "rate": 100, "start": "at", "duration": "seconds"}}


def _manifest(tmp_path, **cells):
    line = json.dumps({"path": "a.wav", "kind": "x", "at": 1.5, "seconds": 0.25, **cells})
    return _read("jsonl", tmp_path, line, **_PIECES)[0]


def test_a_row_may_name_a_piece_of_a_recording(tmp_path):
    row = _manifest(tmp_path)

    assert row["source"] == AudioRef(tmp_path / "a.wav", 150, 175)


def test_a_piece_of_a_resampled_recording_counts_in_the_files_own_samples(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", [0.0] * 400, 200)
    keys = {"source": _PIECES["source"] | {"resample": True, "duration": None}}
    row = _read("jsonl", tmp_path, json.dumps({"path": "a.wav", "kind": "x", "at": 1.5}), **keys)[0]

    assert row["source"] == AudioRef(tmp_path / "a.wav", 300, None)


@pytest.mark.parametrize("time", [-1, "soon", None, True, float("nan"), 1e99])
def test_a_time_that_is_none_makes_a_bad_row(time, tmp_path):
    row = _manifest(tmp_path, at=time)

    assert isinstance(row, BadRow)
    assert "holds no time in seconds" in row.reason


@pytest.mark.parametrize(("cells", "fault"), [
    ({"offset": 1.5, "duration": 2}, "add `start: offset, duration: duration`"),
    ({"start": "0.5", "duration": 2}, "add `start: start, duration: duration`"),
    ({"offset": 0.0, "duration": 2}, None), ({"offset": 1.5}, None), ({"offset": "x", "duration": 2}, None),
])  # fmt: skip
def test_a_row_that_is_a_piece_never_stands_for_the_whole_recording(cells, fault, tmp_path):
    line = json.dumps({"path": "a.wav", "kind": "x", **cells})
    row = _read("jsonl", tmp_path, line, source={"audio": "path", "rate": 100})[0]

    assert (fault in row.reason) if fault else row["source"] == AudioRef(tmp_path / "a.wav")


def test_columns_may_stand_in_lists(tmp_path):
    line = json.dumps({"supervisions": [{"text": "はい"}], "kind": "a"})
    rows = _read("jsonl", tmp_path, line, source={"text": "supervisions.0.text", "language": "ja"})

    assert _pairs(rows) == [("はい", "a")]


def test_a_path_elsewhere_is_told_with_the_folder_that_holds_both(tmp_path):
    (tmp_path / "here").mkdir()
    line = json.dumps({"ja": f"{tmp_path}/there/x.wav", "kind": "a"})
    row = _read("jsonl", tmp_path / "here", line, source={"audio": "ja", "rate": 16000})[0]

    assert f"let `root` be `{tmp_path}`, which holds both" in row.reason


def test_recordings_that_rows_name_are_files_of_the_corpus(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    (tmp_path / "t").write_text("kind\tja\na\ta.wav\nb\tgone.wav\nc\t../a.wav\n")
    keys = {"source": {"audio": "ja", "rate": 16000}, "target": {"label": "kind"}}
    adapter = reader("tsv", tmp_path, splits={"train": "t"}, **keys)

    assert list(adapter.files("train")) == [tmp_path / "t", tmp_path / "a.wav"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("reviews.csvv", "did you mean `reviews.csv`?"),
        ("parts/a.csv", "has `notes.md`, `reviews.csv`"),
        ("x.csv", "has `notes.md`, `reviews.csv`"),
    ],
)
def test_a_missing_table_is_told_with_what_is_there(name, told, tmp_path):
    (tmp_path / "reviews.csv").touch()
    (tmp_path / "notes.md").touch()
    adapter = reader("csv", tmp_path, **PAIR, splits={"train": name})

    with pytest.raises(DataError) as caught:
        list(adapter.examples("train"))
    assert told in caught.value.help


def test_a_file_for_a_root_is_told_with_where_it_goes(tmp_path):
    (tmp_path / "reviews.csv").touch()
    adapter = reader("csv", tmp_path / "reviews.csv", **PAIR, splits={"train": "x"})

    with pytest.raises(DataError, match="is a file, and `root` is the folder") as caught:
        list(adapter.examples("train"))
    assert f"let `root` be `{tmp_path}`, and name `reviews.csv` under `splits`" in caught.value.help


@pytest.mark.parametrize(
    ("channel", "read"), [(None, (False, None)), ("mean", (True, None)), (2, (False, 2))]
)
def test_the_channel_of_recordings_is_said(channel, read, tmp_path):
    source = {"audio": "a", "rate": 8000, "channel": channel}
    adapter = reader("tsv", tmp_path, splits={"train": "t"}, source=source, target={"label": "b"})

    assert (adapter.audio().mix_down, adapter.audio().channel) == read


def test_synthetic_recordings_say_their_transcripts(tmp_path):
    rows = {}
    for language in ("en", "ja"):
        keys = {"source": {"audio": "a", "rate": 8000}, "target": {"text": "t", "language": language}}
        adapter = reader("tsv", tmp_path / language, splits={"train": "t.tsv"}, **keys)
        (tmp_path / language).mkdir()
        adapter.write_synthetic(tmp_path / language, count=4, seed=1)
        sizes = [row["source"].path.stat().st_size for row in adapter.examples("train")]
        rows[language] = sorted(
            zip([len(row["target"]) for row in adapter.examples("train")], sizes, strict=True)
        )

    assert rows["en"][0][1] > rows["ja"][-1][1]  # more letters take longer to say


def test_a_split_that_is_no_file_is_told_without_its_own_name_for_a_remedy(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    for name, words in (("link", "a link that leads to nothing"), ("folder", "is a folder")):
        with pytest.raises(DataError, match=words) as caught:
            list(reader("csv", tmp_path, **PAIR, splits={"train": name}).examples("train"))
        assert "did you mean" not in caught.value.help


def test_paths_of_windows_are_told_with_how_they_are_written(tmp_path):
    for root, split in ((tmp_path, "sub\\t.csv"), ("C:\\Users\\me", "t.csv")):
        with pytest.raises(DataError, match=r"no folder|not there") as caught:
            list(reader("csv", root, **PAIR, splits={"train": split}).examples("train"))
        assert "`/`" in caught.value.help


def test_a_header_with_some_of_the_columns_is_taken_for_one(tmp_path):
    with pytest.raises(DataError, match="no column `kind`") as caught:
        _read("csv", tmp_path, "ja,sort\nx,a\n")

    assert caught.value.help.startswith("the first row has `ja`: name the others")

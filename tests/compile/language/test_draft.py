import csv
import gzip
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.reference.draft import draft
from seqspec.data.corpus.survey.survey import survey
from seqspec.data.corpus.survey.surveyed import language_of
from seqspec.schema.diagnostic import DataError

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _words(index: int) -> str:
    return " ".join(LETTERS[(index * k) % 20 : (index * k) % 20 + 5] for k in range(1, 6))


def _classification(folder, suffix=".csv", mark=","):
    rows = [f"{_words(i)} 映画はとてもよかった{mark}{'good' if i % 2 else 'bad'}" for i in range(40)]
    (folder / f"reviews{suffix}").write_text("\n".join([f"text{mark}label", *rows]) + "\n")
    return folder / f"reviews{suffix}"


def _tsv(folder):
    return _classification(folder, ".tsv", "\t")


def _of_excel(folder, suffix=".csv", mark=";", above="sep=;\r\n"):
    """As a spreadsheet of a country with decimal commas saves a sheet."""
    rows = [f'"{_words(i)}, and more"{mark}{i},5{mark}{"good" if i % 2 else "bad"}' for i in range(40)]
    text = above + "\r\n".join([mark.join(("text", "score", "label")), *rows]) + "\r\n"
    (folder / f"train{suffix}").write_text(text, encoding="utf-8-sig", newline="")
    return folder


def _compressed(folder):
    path = _classification(folder)
    (folder / "train.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return folder


def _semicolons(folder):
    return _of_excel(folder, above="")


def _semicolons_in_a_tsv(folder):
    return _of_excel(folder, ".tsv", above="")


def _tabs_in_a_csv(folder):
    return _of_excel(folder, ".csv", "\t", above="")


def _tabs_that_are_noted(folder):
    return _of_excel(folder, ".tsv", "\t", above="sep=\t\r\n")


def _recognition(folder):
    soundfile = pytest.importorskip("soundfile")
    for i in range(20):
        soundfile.write(folder / f"{i}.wav", np.zeros(800, np.float32), 8000)
    (folder / "train.tsv").write_text("file\ttext\n" + "".join(f"{i}.wav\t{_words(i)}\n" for i in range(20)))
    return folder


def _translation(folder):
    (folder / "train.ja").write_text("".join(f"これは{i}番の文です\n" for i in range(20)))
    (folder / "train.en").write_text("".join(f"this is sentence {_words(i)}\n" for i in range(20)))
    return folder


def _images(folder):
    pillow = pytest.importorskip("PIL.Image")
    for name in ("cat", "dog"):
        (folder / "train" / name).mkdir(parents=True)
        for i in range(3):
            pillow.new("RGB", (8, 8)).save(folder / "train" / name / f"{i}.png")
    return folder


def _kaldi(folder):
    for split in ("train", "dev"):
        data = folder / "data" / split
        data.mkdir(parents=True)
        (data / "wav.scp").write_text("".join(f"u{i} /elsewhere/{i}.wav\n" for i in range(5)))
        (data / "text").write_text("".join(f"u{i} {_words(i)}\n" for i in range(5)))
    return folder


def _librispeech(folder):
    for part in ("train-clean-100", "dev-clean"):
        chapter = folder / "LibriSpeech" / part / "1" / "2"
        chapter.mkdir(parents=True)
        (chapter / "1-2.trans.txt").write_text("1-2-0000 HELLO\n")
    return folder


def _common_voice(folder):
    (folder / "ja" / "clips").mkdir(parents=True)
    (folder / "ja" / "train.tsv").write_text("path\tsentence\na.mp3\tはい\n")
    return folder


def _ljspeech(folder):
    (folder / "wavs").mkdir()
    (folder / "wavs" / "LJ1.wav").touch()
    (folder / "metadata.csv").write_text("LJ1|One|one\n")
    return folder


def _parquet(folder):
    arrow = pytest.importorskip("pyarrow")
    columns = {"text": [_words(i) for i in range(40)], "label": [i % 2 for i in range(40)]}
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), folder / "train.parquet")
    return folder


def _only_text(folder):
    rows = (f'{{"id": "d-{i}", "text": "{_words(i)}"}}\n' for i in range(50))
    (folder / "train.jsonl").write_text("".join(rows))
    return folder


def _text(folder):
    (folder / "input.txt").write_text("\n".join(_words(i) for i in range(50)))
    return folder


@pytest.mark.parametrize(
    ("make", "task", "adapter"),
    [
        (_classification, "classification", "csv"),
        (_tsv, "classification", "tsv"),
        (_of_excel, "classification", "csv"),
        (_semicolons, "classification", "csv"),
        (_compressed, "classification", "csv"),
        (_semicolons_in_a_tsv, "classification", "csv"),
        (_tabs_in_a_csv, "classification", "csv"),
        (_tabs_that_are_noted, "classification", "tsv"),
        (_recognition, "recognition", "tsv"),
        (_translation, "translation", "bitext"),
        (_images, "images", "image_folder"),
        (_text, "language_model", "lines"),
        (_only_text, "language_model", "jsonl"),
        (_kaldi, "recognition", "kaldi"),
        (_librispeech, "recognition", "librispeech"),
        (_common_voice, "recognition", "common_voice"),
        (_ljspeech, "recognition", "ljspeech"),
        (_parquet, "classification", "parquet"),
    ],
)
def test_a_draft_compiles_as_it_is_and_as_tiny(make, task, adapter, tmp_path):
    from seqspec.compile.resolve.resolve import Overlay

    (tmp_path / "corpus").mkdir()
    found = survey(make(tmp_path / "corpus"))
    spec = tmp_path / "spec.yaml"
    spec.write_text(draft(found), encoding="utf-8")

    assert (found.task, found.adapter) == (task, adapter)
    for overlays in ((), (Overlay.profile("tiny"),)):
        assert not compile_spec(spec, overlays=overlays).warnings


@pytest.mark.parametrize(
    "make", [_of_excel, _semicolons, _semicolons_in_a_tsv, _tabs_in_a_csv, _tabs_that_are_noted]
)
def test_a_draft_reads_the_rows_that_it_was_drafted_from(make, tmp_path):
    from seqspec.components.adapter._build import build_adapter

    spec = tmp_path / "spec.yaml"
    spec.write_text(draft(survey(make(tmp_path))), encoding="utf-8")
    source = compile_spec(spec).plan.experiment.data.source
    rows = list(build_adapter(source).examples("train"))

    assert len(rows) == 40
    assert {row["target"] for row in rows} == {"good", "bad"}
    assert all("and more" in row["source"] for row in rows)


def test_japanese_gets_its_segmenter_with_the_reason(tmp_path):
    text = draft(survey(_classification(tmp_path)))

    assert yaml.safe_load(text)["data"]["text"]["source"]["segment"]["type"] == "mecab"
    assert "Japanese has no spaces" in text


def test_repetitions_and_contradictions_are_noted(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{_words(i)},{'ab'[i % 2]}" for i in range(20)]
    path.write_text("\n".join(["text,label", *rows, rows[0], f"{_words(1)},a"]) + "\n")

    assert survey(path).notes == (
        "1 row stood before, word for word",
        "1 text stands with more than one target",
    )


def test_languages_are_told_by_their_letters():
    assert [language_of([text]) for text in ("これは本", "한국어", "中文文本", "hello")] == [
        "ja",
        "ko",
        "zh",
        "en",
    ]


def test_what_is_not_recognised_is_an_error_with_what_is(tmp_path):
    with pytest.raises(DataError, match="nothing in"):
        survey(tmp_path)
    with pytest.raises(DataError, match="no file or folder"):
        survey(tmp_path / "nothing")


def test_files_of_other_splits_are_used_and_nothing_is_cut(tmp_path):
    for name in ("train", "valid", "test"):
        _classification(tmp_path).rename(tmp_path / f"{name}.csv")
    text = draft(survey(tmp_path))

    assert 'splits: {train: "train.csv", dev: "valid.csv", test: "test.csv"}' in text
    assert "split:" not in text


def test_the_label_is_the_column_that_is_called_so(tmp_path):
    rows = [f"{_words(i)},{'ab'[i % 2]},{'xyz'[i % 3]}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label,author", *rows]) + "\n")
    found = survey(tmp_path / "t.csv")

    assert found.target == "label"
    assert "labels may stand in `author` as well" in found.notes


@pytest.mark.parametrize(
    ("name", "text", "message", "help"),
    [
        ("t.csv", "".join(f"{_words(i)},{'ab'[i % 2]}\n" for i in range(20)), "names no columns", "sed"),
        ("t.csv", 'text,label\n"x y,a\nz w,b\n', "not CSV", "quote the cells"),
        ("t.csv", "text,label,text\nx y,a,z\n", "two columns are called `text`", "a name of its own"),
        ("t.tsv", "text\tlabel\ttext\nx y\ta\tz\n", "two columns are called `text`", "a name of its own"),
        ("t.jsonl", '[{"a": 1}]\n', "one JSON array", "jq"),
        ("t.jsonl", '[\n{"a": 1}\n]\n', "one JSON array", "jq"),
        ("t.jsonl", '"one line"\n"two"\n', "JSON strings", "{text: .}"),
        ("t.jsonl", '["a b", "x"]\n', "JSON arrays of values", ".[0]"),
        ("t.json", '[ "one", "two"]', "one object a line", ".[] | {text: .}"),
        ("t.csv", "height,weight\n1.6,50\n1.7,60\n1.8,nan\n", "`height`, `weight` hold numbers", "labels"),
        (
            "t.csv",
            f"text,score\n{_words(1)},1.5\n{_words(2)},2.5\n{_words(3)},7\n",
            "`score` holds numbers",
            None,
        ),
        ("t.csv", "id,value\n1,x\n2,y\n", "no text", None),
        ("t.jsonl", '{"a": 1}\n{\n', "a line is not JSON", None),
        ("t.zip", "PK\x03\x04", "a ZIP archive", "unpack"),
        ("t.wav", "RIFF", "a recording", "table"),
    ],
)
def test_what_a_table_is_instead_is_told_with_a_remedy(name, text, message, help, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message) as refused:
        survey(tmp_path / name)

    assert (refused.value.help or "").count(help or "") >= 1


def test_recordings_with_texts_beside_them_become_a_table_by_the_command_of_the_message(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.wav").touch()
        (tmp_path / f"{name}.txt").write_text(f'say "{name}"\n')
    with pytest.raises(DataError, match="2 recordings") as refused:
        survey(tmp_path)
    command = (refused.value.help or "").partition(": ")[2]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    with open(tmp_path / "train.csv", newline="") as file:
        rows = list(csv.DictReader(file))

    assert rows == [{"file": f"./{name}.wav", "text": f'say "{name}"'} for name in ("one", "two")]


@pytest.mark.parametrize(("table", "ending"), [("transcripts.txt", ""), ("text", ".wav")])
def test_a_text_that_transcribes_recordings_becomes_a_table_by_the_command_of_the_message(
    table, ending, tmp_path
):
    (tmp_path / "wavs").mkdir()
    for name in ("one", "two"):
        (tmp_path / "wavs" / f"{name}.wav").touch()
    lines = "".join(f'{name}{ending}\tsay "{name}", please\n' for name in ("one", "two"))
    (tmp_path / table).write_text(lines)
    with pytest.raises(DataError, match="says what is spoken") as refused:
        survey(tmp_path)
    command = (refused.value.help or "").partition(": ")[2]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    with open(tmp_path / "train.csv", newline="") as file:
        rows = list(csv.DictReader(file))

    assert rows == [{"file": f"wavs/{name}.wav", "text": f'say "{name}", please'} for name in ("one", "two")]


def test_a_device_is_no_corpus():
    with pytest.raises(DataError, match="is a device"):
        survey(Path("/dev/zero"))


@pytest.mark.parametrize(("rows", "share"), [(40, 0.1), (20, 0.1), (10, 0.2), (6, 0.5)])
def test_of_few_rows_a_larger_share_is_cut_out(tmp_path, rows, share):
    """A tenth of five examples of a class is none."""
    table = ["text,label", *(f"{_words(i)},{'good' if i % 2 else 'bad'}" for i in range(rows))]
    (tmp_path / "reviews.csv").write_text("\n".join(table) + "\n")

    spec = yaml.safe_load(draft(survey(tmp_path / "reviews.csv")))

    assert spec["data"]["split"] == {"dev": share, "by": "label"}

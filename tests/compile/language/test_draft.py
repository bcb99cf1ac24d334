import numpy as np
import pytest
import yaml

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.reference.draft import draft
from seqspec.data.corpus.survey import language_of, survey
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


def _text(folder):
    (folder / "input.txt").write_text("\n".join(_words(i) for i in range(50)))
    return folder


@pytest.mark.parametrize(
    ("make", "task", "adapter"),
    [
        (_classification, "classification", "csv"),
        (_tsv, "classification", "tsv"),
        (_recognition, "recognition", "tsv"),
        (_translation, "translation", "bitext"),
        (_images, "images", "image_folder"),
        (_text, "language_model", "lines"),
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


def test_japanese_gets_its_segmenter_with_the_reason(tmp_path):
    text = draft(survey(_classification(tmp_path)))

    assert yaml.safe_load(text)["data"]["text"]["source"]["segment"]["type"] == "mecab"
    assert "Japanese has no spaces" in text


def test_repetitions_and_contradictions_are_noted(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{_words(i)},{'ab'[i % 2]}" for i in range(20)]
    path.write_text("\n".join(["text,label", *rows, rows[0], f"{_words(1)},a"]) + "\n")

    assert survey(path).notes == (
        "1 rows stood before, word for word",
        "1 texts stand with more than one target",
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

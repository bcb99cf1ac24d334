"""What a demonstration shows; the page itself is Gradio's."""

import numpy as np
import pytest

from seqspec.components.predictions import (
    ImagePrediction,
    MaskPrediction,
    TextPrediction,
    VectorPrediction,
    VideoPrediction,
)
from seqspec.data.corpus.images import write_image
from seqspec.runtime.commands.demo import demo
from seqspec.runtime.demo import page
from seqspec.runtime.demo.attention_text import Looked
from seqspec.runtime.demo.markup import text_markup, value_markup
from seqspec.runtime.demo.trial import open_trial
from seqspec.schema.diagnostic import DataError, Exit


@pytest.fixture(scope="module")
def trial(classifier):
    return open_trial(classifier, threads=1)


@pytest.fixture
def digit(tmp_path):
    file = tmp_path / "digit.png"
    write_image(file, np.zeros((1, 28, 28), np.uint8))
    return str(file)


def test_an_image_becomes_its_likely_classes(trial, digit):
    found = trial.labels(digit)

    assert (trial.takes, trial.gives, len(found)) == ("image", "labels", 5)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert trial.best(digit).text == next(iter(found))


def test_nothing_given_is_nothing_found(trial):
    assert trial.labels(None) == {}
    assert trial.best(None) is None


def test_what_is_no_image_is_told(trial, tmp_path):
    file = tmp_path / "x.png"
    file.write_bytes(b"no image")

    with pytest.raises(DataError):
        trial.labels(str(file))


def test_a_translation_tells_where_it_looked(translator):
    trial = open_trial(translator, threads=1)

    looked = trial.looked("猫が好きです", TextPrediction("the cat", 0.0))

    assert (trial.takes, trial.gives) == ("text", "text")
    assert "".join(looked.source) == "猫が好きです"
    assert "".join(looked.target) == "the cat"
    assert looked.target[-1] == ""
    assert len(looked.weights) == len(looked.target)
    assert all(sum(row) == pytest.approx(1, abs=1e-4) for row in looked.weights)
    assert trial.looked("猫", TextPrediction("", 0.0)) is None


def test_the_look_is_a_table_of_both_texts():
    looked = Looked(("a", "<b>"), ("<cat>", ""), ((0.25, 0.75), (1.0, 0.0)))

    shown = text_markup(TextPrediction("<cat>", 0.0), looked)

    assert "&lt;cat&gt;" in shown
    assert "&lt;b&gt;" in shown
    assert shown.count("<tr>") == 3
    assert 'title="0.75"' in shown


def test_speech_is_heard_in_the_voice_that_is_asked_for(speaker):
    trial = open_trial(speaker, threads=1)
    first, other = (trial.best("DOG", name) for name in trial.asks["speaker"])

    assert (trial.takes, trial.gives) == ("text", "values")
    assert first.frames_TD.shape != other.frames_TD.shape or (first.frames_TD != other.frames_TD).any()
    assert "<audio controls" in value_markup(first)
    assert 'download="prediction.wav"' in value_markup(first)


def test_points_are_read_from_a_file_and_a_category(parts, tmp_path):
    trial = open_trial(parts, threads=1)
    file = tmp_path / "thing.xyz"
    np.savetxt(file, np.random.default_rng(0).normal(size=(600, 6)))

    found = trial.best(str(file), "Mug")

    assert (trial.takes, "Mug" in trial.asks["category"]) == ("file", True)
    assert len(found.classes_N) == 600
    assert trial.best(str(file), "Table").classes_N.tolist() != found.classes_N.tolist()
    assert 'download="prediction.txt"' in value_markup(found)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (VectorPrediction(np.arange(9, dtype=np.float32)), "9 numbers: 0, 1, 2, 3, 4, 5, 6, 7, …"),
        (MaskPrediction(np.array([[0, 1], [1, 1]]), ("<sky>", "tree")), "&lt;sky&gt;: 25.0%"),
        (ImagePrediction(np.zeros((3, 4, 4), np.uint8)), "data:image/png;base64,"),
        (
            VideoPrediction(np.zeros((2, 4, 4), np.float32), np.zeros((1, 4, 4), np.float32)),
            "data:image/gif;base64,",
        ),
    ],
)
def test_a_value_is_shown_by_its_kind(value, said):
    assert said in value_markup(value)


def test_a_missing_package_is_told(classifier, monkeypatch):
    monkeypatch.setattr(page, "find_spec", lambda name: None)

    outcome = demo(classifier, port=7860, checkpoint="best", threads=1)

    assert outcome.exit == Exit.USAGE
    assert "seqspec-compiler[demo]" in outcome.error


def test_the_address_is_told_once_the_page_is_there(classifier, monkeypatch, capsys):
    told = []

    class Shown:
        def block_thread(self):
            told.append(capsys.readouterr().err)

    def show(trial, *, port):
        told.append(capsys.readouterr().err)
        return Shown()

    monkeypatch.setattr(page, "find_spec", lambda name: True)
    monkeypatch.setattr(page, "show", show)

    assert demo(classifier, port=7860, checkpoint="best", threads=1).exit == Exit.CLEAN
    assert "http" not in told[0]
    assert "on http://127.0.0.1:7860\n" in told[1]

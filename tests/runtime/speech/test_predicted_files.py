"""Values that are predicted become files that the table names."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.components.predictions import (
    AudioPrediction,
    FramesPrediction,
    ImagePrediction,
    MaskPrediction,
    TextPrediction,
    VectorPrediction,
)
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.value_files import write_value
from seqspec.runtime.prediction.input import Input, of_text
from seqspec.runtime.prediction.predict import predict
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.runtime.prediction.value_files import written_to
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, RunError

SPEC = Path(__file__).parents[3] / "specs" / "tts_ljspeech_fastpitch.yaml"
SETTINGS = (
    "train.max_steps=2",
    "train.checkpoint_every_steps=2",
    "evaluate.every_steps=2",
    "data.source.synthetic=16",
    "model.vocoder={type: griffin_lim, iterations: 2}",
)
LAUNCH = Launch(quiet=True, threads=1)
SOUND = AudioPrediction(np.sin(np.arange(800) / 9).astype(np.float32), 8000)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("speech")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(place / "cache"))
        overlays = [Overlay.profile("tiny"), *map(Overlay.set, SETTINGS)]
        yield run(compile_spec(SPEC, overlays=overlays), runs=place / "runs", launch=LAUNCH).folder.path


def answered(trained, inputs, **settings):
    out = io.StringIO()
    given = {
        "checkpoint": "best",
        "over": (),
        "launch": LAUNCH,
        "nbest": 1,
        "scores": False,
        "engine": "torch",
    }
    predict(trained, inputs=[str(inputs)], out=out, **{**given, "format": "text", **settings})
    return out.getvalue()


def test_a_run_speaks(trained, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("a red cat\nthe dog sat\n")

    table = answered(trained, texts, folder=tmp_path / "out")

    assert table == "00001.wav\n00002.wav\n"
    samples, rate = soundfile.read(tmp_path / "out" / "00001.wav")
    frames = np.load(tmp_path / "out" / "00001.npy")
    assert rate == 8000
    assert frames.shape[1] == 24
    assert len(samples) == 128 * (len(frames) - 1)
    line = json.loads(answered(trained, texts, folder=tmp_path / "again", format="json").splitlines()[0])
    assert line["hypotheses"] == [{"file": "00001.wav", "files": ["00001.wav", "00001.npy"]}]
    again = (tmp_path / "again" / "00001.wav").read_bytes()
    assert again == (tmp_path / "out" / "00001.wav").read_bytes()


def test_frames_without_a_folder_are_told_how_to_be_kept(trained, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("a red cat\n")

    with pytest.raises(DataError) as caught:
        answered(trained, texts)

    assert caught.value.help == "write it to files with `--out FOLDER`"


def test_an_evaluation_keeps_the_first_examples_to_be_heard(trained):
    place = trained / "predictions" / "dev.media"
    names = {file.name for file in place.iterdir()}

    rows = {name.partition(".")[0] for name in names - {"texts.json"}}
    assert rows
    texts = json.loads((place / "texts.json").read_text())
    assert rows == set(texts)
    assert all(text["source"] for text in texts.values())
    for row in rows:
        assert {
            f"{row}.{which}.{kind}" for which in ("prediction", "reference") for kind in ("wav", "png")
        } <= names


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (SOUND, ["a.b.wav"]),
        (FramesPrediction(np.zeros((3, 2), np.float32), 80), ["a.b.npy"]),
        (FramesPrediction(np.zeros((3, 2), np.float32), 80, lambda: SOUND), ["a.b.wav", "a.b.npy"]),
        (ImagePrediction(np.full((3, 4, 5), 7, np.uint8)), ["a.b.png"]),
        (ImagePrediction(np.full((1, 4, 5), 7, np.uint8)), ["a.b.png"]),
        (MaskPrediction(np.arange(20).reshape(4, 5), ("x",)), ["a.b.png"]),
        (VectorPrediction(np.ones(3, np.float32)), ["a.b.npy"]),
        (TextPrediction("x", 0.0), []),
    ],
)
def test_each_kind_has_its_files(value, names, tmp_path):
    files = write_value(value, tmp_path / "a.b")

    assert [file.name for file in files] == names
    assert all(file.stat().st_size for file in files)


def test_what_is_written_is_what_was_predicted(tmp_path):
    (wave,) = write_value(SOUND, tmp_path / "sound")
    (mask,) = write_value(MaskPrediction(np.arange(20).reshape(4, 5), ()), tmp_path / "mask")
    (image,) = write_value(
        ImagePrediction(np.arange(60, dtype=np.uint8).reshape(3, 4, 5)), tmp_path / "image"
    )

    assert np.abs(soundfile.read(wave)[0] - SOUND.samples_T).max() < 1e-4
    assert np.asarray(Image.open(mask)).tolist() == np.arange(20).reshape(4, 5).tolist()
    assert np.asarray(Image.open(image)).transpose(2, 0, 1).ravel().tolist() == list(range(60))


def test_names_come_from_ids_and_files_and_are_never_used_twice(tmp_path):
    inputs = [
        Input("x", "x", id="../ä b"), Input("x", "x", id="ä b"), of_text("no name"),
        Input(Path("deep/sound.flac"), "deep/sound.flac"),
    ]  # fmt: skip
    given = [Prediction(one, (SOUND,)) for one in inputs] + [
        Prediction(of_text("t"), (TextPrediction("t", 0.0),))
    ]

    found = list(written_to(tmp_path / "out", iter(given)))

    names = [one.hypotheses[0].names[0] for one in found[:4]]
    assert names == ["ä_b.wav", "ä_b_2.wav", "00003.wav", "sound.wav"]
    assert found[4].hypotheses == (TextPrediction("t", 0.0),)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("")

    with pytest.raises(RunError, match="is a file"):
        list(written_to(tmp_path / "out", iter([])))

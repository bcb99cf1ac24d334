"""An export on a machine without torch and seqspec: its own files say how, and answers are those of ``predict``."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import seqspec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.export.driver import Exported
from seqspec.runtime.export.preprocessing import write_preprocessing
from tests.runtime.export.conftest import trained
from tests.runtime.export.families import tried

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)
TEXTS = ["The ＤＯＧ sees a cat", "a", "犬 and more"]
ALONE = """
import sys
sys.modules |= dict.fromkeys(("torch", "seqspec", "lightning"))  # Importing one of them fails.
import json, unicodedata
import numpy as np
import sentencepiece
from driver import Exported

steps = json.load(open("preprocessing.json"))["fields"]["source"]
assert [one["type"] for one in steps["text"]["normalize"]] == ["nfkc", "lowercase"]
tokenizer = sentencepiece.SentencePieceProcessor(model_file=steps["vocabulary"])
ids = [tokenizer.encode(unicodedata.normalize("NFKC", text).lower()) for text in json.load(sys.stdin)]
lengths = np.array([len(one) for one in ids])
source = np.zeros((len(ids), lengths.max()), np.int64)
for row, one in enumerate(ids):
    source[row, : len(one)] = one
exported = Exported(".")
"""


@pytest.fixture(scope="module")
def embedder(runs):
    sets = (
        "train.max_steps=2",
        "train.checkpoint_every_steps=2",
        "evaluate.every_steps=2",
        "data.source.synthetic=60",
    )
    return trained("embed_tanaka_enja", sets, runs)


@pytest.fixture(scope="module")
def exported(embedder, tmp_path_factory):
    output = tmp_path_factory.mktemp("onnx") / "embedder"
    return seqspec.open_run(embedder).export("onnx", output=output).folder


def test_the_call_of_the_card_gives_the_vectors_of_predict(embedder, exported):
    card = (exported / "README.md").read_text("utf-8")
    call = next(line for line in card.splitlines() if "exported.run(" in line)
    found = subprocess.run(
        [sys.executable, "-c", f"{ALONE}\n{call}\nprint(json.dumps(vectors.tolist()))"],
        cwd=exported, input=json.dumps(TEXTS), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr

    run = seqspec.open_run(embedder)
    expected = [
        one.hypotheses[0].values_D for one in run.predict(TEXTS, launch=Launch(device="cpu", threads=1))
    ]

    assert "pipeline_tag: sentence-similarity" in card
    assert call == "[vectors] = exported.run('source_vectors', [source, lengths])"
    np.testing.assert_allclose(json.loads(found.stdout), expected, atol=1e-5)


def test_a_driver_says_what_an_export_without_answers_has(exported):
    with pytest.raises(TypeError, match="call `run` with one of `source_vectors`"):
        Exported(exported).predict(np.array([[4]]), np.array([1]))


def test_points_are_said_to_be_centred_and_categories_have_names(tmp_path):
    write_preprocessing(tried("parts_shapenet", tmp_path / "cache"), tmp_path)
    fields = json.loads((tmp_path / "preprocessing.json").read_text("utf-8"))["fields"]

    assert "less the mean" in fields["source"]["prepared"]
    assert fields["category"]["names"][:2] == ["Airplane", "Bag"]
    assert len(fields["category"]["names"]) == len(
        json.loads((tmp_path / "labels.json").read_text())["category"]
    )


SPEAK = """
import sys
sys.modules |= dict.fromkeys(("torch", "seqspec", "lightning"))  # Importing one of them fails.
import json
import numpy as np
from driver import Exported

symbols = json.load(open("symbols-source.json"))
rows = [[symbols.index(one) for one in text.lower()] for text in json.load(sys.stdin)]
lengths = np.array([len(one) for one in rows])
source = np.zeros((len(rows), lengths.max()), np.int64)
for row, one in enumerate(rows):
    source[row, : len(one)] = one
exported = Exported(".")
"""
SPOKEN = ["The rain", "a king in the night"]
"""Written with symbols that the synthetic corpus has."""


def test_the_call_of_the_card_speaks_as_predict_does(runs, tmp_path):
    sets = (
        "train.max_steps=2", "train.checkpoint_every_steps=2", "evaluate.every_steps=2", "model.max_frames=20",
        "model.stop_threshold=0.7",
    )  # fmt: skip
    speaker = trained("tts_ljspeech_tacotron2", sets, runs)
    folder = seqspec.open_run(speaker).export("onnx", output=tmp_path / "speaker").folder
    card = (folder / "README.md").read_text("utf-8")
    call = next(line for line in card.splitlines() if "exported.frames(" in line)

    found = subprocess.run(
        [sys.executable, "-c", f"{SPEAK}\n{call}\nprint(json.dumps([one.tolist() for one in spoken]))"],
        cwd=folder, input=json.dumps(SPOKEN), capture_output=True, text=True, check=False,
    )  # fmt: skip
    expected = [
        one.hypotheses[0].frames_TD
        for one in seqspec.open_run(speaker).predict(SPOKEN, launch=Launch(device="cpu", threads=1))
    ]

    assert found.returncode == 0, found.stderr
    assert "a vocoder makes sound of them" in card
    assert max(map(len, expected)) > 5
    for one, other in zip(json.loads(found.stdout), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    with pytest.raises(TypeError, match="call `frames`, or `run` with one of"):
        Exported(folder).predict(np.array([[4]]), np.array([1]))


VOCODE = """
import sys
sys.modules |= dict.fromkeys(("torch", "seqspec", "lightning"))  # Importing one of them fails.
import json
import numpy as np
import soundfile
import soxr
from driver import Exported

field = json.load(open("preprocessing.json"))["fields"]["source"]
told, rate = field["features"], field["sample_rate"]
assert (told["padding"], told["scale"], told["norm"]) == ("same", "slaney", "area")
sound, given = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
sound = soxr.resample(sound.mean(1), given, rate, quality="VHQ")
size, hop = told["fft_samples"], told["hop_samples"]
padded = np.pad(sound, (size - hop) // 2, mode="reflect")
window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
power = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window)) ** 2
mel = lambda hertz: hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)
hertz = lambda mel: mel * 200 / 3 if mel < 15 else 1000 * np.exp((mel - 15) * np.log(6.4) / 27)
places = np.linspace(mel(told["low_hz"]), mel(told["high_hz"]), told["num_bins"] + 2)
low, middle, high = (np.array([*map(hertz, places)])[n : n + told["num_bins"]] for n in range(3))
points = np.arange(size // 2 + 1)[:, None] * rate / size
filters = np.minimum((points - low) / (middle - low), (high - points) / (high - middle)).clip(0) * 2 / (high - low)
frames = np.log(np.maximum(np.sqrt(power + told["epsilon"]) @ filters, told["floor"])).astype(np.float32)[None]
exported = Exported(".")
"""


def test_the_call_of_the_card_vocodes_as_predict_does(runs, tmp_path):
    sets = ("train.max_steps=2", "train.checkpoint_every_steps=2", "evaluate.every_steps=2")
    vocoder = trained("vocoder_ljspeech_hifigan", sets, runs)
    folder = seqspec.open_run(vocoder).export("onnx", output=tmp_path / "vocoder").folder
    soundfile.write(tmp_path / "a.wav", 0.1 * np.random.default_rng(0).normal(size=(8000, 2)), 16000)
    call = next(
        line for line in (folder / "README.md").read_text("utf-8").splitlines() if "exported.run(" in line
    )

    found = subprocess.run(
        [sys.executable, "-c", f"{VOCODE}\n{call}\nprint(json.dumps(waveform[0].tolist()))", tmp_path / "a.wav"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (expected,) = seqspec.open_run(vocoder).predict(
        [str(tmp_path / "a.wav")], launch=Launch(device="cpu", threads=1)
    )

    assert found.returncode == 0, found.stderr
    sound = expected.hypotheses[0].sound().samples_T
    assert np.abs(sound).max() > 1e-3
    np.testing.assert_allclose(json.loads(found.stdout), sound, atol=1e-5)

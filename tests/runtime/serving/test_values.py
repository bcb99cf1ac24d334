"""Runs that read images, and runs that speak, over HTTP."""

import base64
import io

import numpy as np
import pytest
import soundfile
from PIL import Image

import seqspec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.runtime.serving.server import Serving
from tests.runtime.serving.conftest import SPECS, served

ONE = Launch(quiet=True, threads=1, device="cpu")
STEPS = ("train.max_steps=2", "train.checkpoint_every_steps=2", "evaluate.every_steps=2")
RUNS = {
    "digits": ("image_mnist_lenet5", "data.source.synthetic=100"),
    "voice": ("tts_digits", "data.source.synthetic=16"),
    "same": ("vae_mnist", "data.source.synthetic=60"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    found, folder = {}, tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        for name, (spec, few) in RUNS.items():
            compiled = seqspec.load(SPECS / f"{spec}.yaml", profiles=["tiny"], set=(*STEPS, few))
            found[name] = run(compiled, runs=folder, launch=ONE).folder.path
    return found


@pytest.fixture(scope="module")
def client(trained):
    with served(Serving(trained)) as one:
        yield one


@pytest.fixture
def digit(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def sent(client, model, file):
    answer = client.post("/v1/predict", data={"model": model}, files={"file": ("x.png", file.read_bytes())})
    assert answer.status_code == 200
    return answer.json()["predictions"][0]


def test_an_uploaded_image_is_predicted_as_its_file_is(client, trained, digit):
    (expected,) = seqspec.open_run(trained["digits"]).predict([str(digit)], launch=ONE)

    found = sent(client, "digits", digit)

    best = expected.hypotheses[0]
    assert found["hypotheses"] == [{"text": best.label, "score": best.score, "probability": best.probability}]


def test_a_predicted_image_is_a_file_within_the_answer(client, digit):
    (found,) = sent(client, "same", digit)["hypotheses"]

    assert found["image"]["content_type"] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["image"]["data"]))))
    assert pixels.shape == (28, 28)
    assert len(np.unique(pixels)) > 1


def test_a_text_is_spoken_in_the_voice_that_is_asked_for(client):
    def samples(voice):
        asked = {"model": "voice", "input": "DOG", "voice": voice}
        answer = client.post("/v1/audio/speech", json=asked)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        return soundfile.read(io.BytesIO(answer.content))[0].tolist()

    asked = {"model": "voice", "inputs": ["DOG"], "fields": {"speaker": "100"}}
    (found,) = client.post("/v1/predict", json=asked).json()["predictions"][0]["hypotheses"]

    assert samples("100") != samples("101")
    within = soundfile.read(io.BytesIO(base64.b64decode(found["audio"]["data"])))[0].tolist()
    assert within == samples("100")


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"input": "DOG"}, 422, "nothing says which"),
        ({"input": "DOG", "voice": "nobody"}, 422, "knows no speaker `nobody`"),
        ({"input": "DOG", "voice": 1}, 422, "object of texts"),
        ({"input": "dog", "voice": "100"}, 422, "no symbol for"),
        ({"input": " ", "voice": "100"}, 422, "is empty"),
        ({"input": 1, "voice": "100"}, 422, "`input` is a number"),
        ({"input": "DOG", "voice": "100", "response_format": "mp3"}, 422, "must be wav"),
        ({"input": "DOG", "speed": 2}, 422, "no field `speed`"),
        ({"input": "DOG", "model": "digits"}, 415, "takes image"),
    ],
)
def test_what_cannot_be_spoken_is_told(client, body, status, told):
    answer = client.post("/v1/audio/speech", json={"model": "voice"} | body)

    assert answer.status_code == status
    assert told in answer.json()["error"]["message"]


def test_who_names_no_voice_spoils_no_others_answer(client):
    asked = {"model": "voice", "inputs": ["DOG"]}

    answer = client.post("/v1/predict", json=asked).json()["predictions"][0]

    assert answer["hypotheses"] == []
    assert "nothing says which" in answer["error"]
    assert client.post("/v1/predict", json=asked | {"fields": {"height": "2"}}).status_code == 422

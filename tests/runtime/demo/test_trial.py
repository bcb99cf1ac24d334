"""What a demonstration shows; the page itself is Gradio's."""

import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

import seqspec
from seqspec.components.predictions import VectorPrediction
from seqspec.data.corpus.images import write_image
from seqspec.runtime.commands.demo import demo
from seqspec.runtime.demo import page
from seqspec.runtime.demo.trial import open_trial
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, Exit

SPEC = Path(__file__).parents[3] / "specs" / "image_mnist_lenet5.yaml"
SETS = ("data.source.synthetic=100", "train.max_steps=2", "train.checkpoint_every_steps=2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        compiled = seqspec.load(SPEC, profiles=["tiny"], set=SETS)
        runs = tmp_path_factory.mktemp("runs")
        yield run(compiled, runs=runs, launch=Launch(quiet=True, threads=1, device="cpu")).folder.path


@pytest.fixture(scope="module")
def trial(trained):
    return open_trial(trained, threads=1)


@pytest.fixture
def digit(tmp_path):
    file = tmp_path / "digit.png"
    write_image(file, np.zeros((1, 28, 28), np.uint8))
    return str(file)


def test_an_image_becomes_its_likely_classes(trial, digit):
    found = trial.labels(digit)

    assert (trial.takes, trial.gives, len(found)) == ("image", "labels", 5)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert trial.text(digit) == next(iter(found))


def test_nothing_given_is_nothing_found(trial):
    assert trial.labels(None) == {}
    assert trial.text(None) == ""


def test_what_is_no_image_is_told(trial, tmp_path):
    file = tmp_path / "x.png"
    file.write_bytes(b"no image")

    with pytest.raises(DataError):
        trial.labels(str(file))


def test_what_the_page_cannot_show_is_named(trial, digit):
    def vectors(inputs):
        return [SimpleNamespace(error=None, hypotheses=(VectorPrediction(np.zeros(2, np.float32)),))]

    with pytest.raises(DataError, match=r"predicts vector, .* --out FOLDER"):
        replace(trial, predictor=vectors).text(digit)


def test_a_missing_package_is_told(trained, monkeypatch):
    monkeypatch.setattr(page, "find_spec", lambda name: None)

    outcome = demo(trained, port=7860, checkpoint="best", threads=1)

    assert outcome.exit == Exit.USAGE
    assert "seqspec-compiler[demo]" in outcome.error


@pytest.mark.filterwarnings("ignore")
def test_the_page_answers(trial, digit):
    pytest.importorskip("gradio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shown = page.show(trial, port=port, block=False)
    try:
        assert "gradio" in httpx.get(f"http://127.0.0.1:{port}/").text
    finally:
        shown.close()

"""Runs of a few steps to be shown."""

from pathlib import Path

import pytest

import seqspec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

SPECS = Path(__file__).parents[3] / "specs"
STEPS = ("train.max_steps=2", "train.checkpoint_every_steps=2", "evaluate.every_steps=2")
SHORT = "evaluate.search={type: greedy, max_tokens: 8}"


@pytest.fixture(scope="package")
def trained(tmp_path_factory):
    """Trains a spec for two steps; gives the run's folder."""

    def of(spec, *sets):
        compiled = seqspec.load(SPECS / f"{spec}.yaml", profiles=["tiny"], set=(*STEPS, *sets))
        runs = tmp_path_factory.mktemp("runs")
        return run(compiled, runs=runs, launch=Launch(quiet=True, threads=1, device="cpu")).folder.path

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield of


@pytest.fixture(scope="package")
def classifier(trained):
    return trained("image_mnist_lenet5", "data.source.synthetic=100")


@pytest.fixture(scope="package")
def translator(trained):
    return trained("mt_tanaka_jaen", "data.source.synthetic=60", "data.batch.size=256", SHORT)


@pytest.fixture(scope="package")
def speaker(trained):
    return trained("tts_digits", "data.source.synthetic=16")


@pytest.fixture(scope="package")
def parts(trained):
    return trained("parts_shapenet", "data.source.synthetic=24")


@pytest.fixture(scope="package")
def recogniser(trained):
    return trained("asr_librispeech_ctc", "data.source.synthetic=20", "model.encoder.dim=16")

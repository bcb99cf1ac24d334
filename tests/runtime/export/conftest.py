"""Two runs of a few steps: a recogniser and a translator."""

from pathlib import Path

import pytest

import seqspec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

SPECS = Path(__file__).parents[3] / "specs"
STEPS = ("train.max_steps=20", "train.checkpoint_every_steps=20", "evaluate.every_steps=20")
SPEECH = (*STEPS, "data.source.synthetic=60", "model.encoder.dim=48", "data.batch.size=30")
TRANSLATION = (
    *STEPS, "data.source.synthetic=60", "data.batch.size=256",
    "evaluate.search={type: greedy, max_tokens: 12}",
)  # fmt: skip


def trained(spec: str, sets, runs: Path) -> Path:
    compiled = seqspec.load(SPECS / f"{spec}.yaml", profiles=["tiny"], set=sets)
    return run(compiled, runs=runs, launch=Launch(quiet=True, threads=1, device="cpu")).folder.path


@pytest.fixture(scope="package")
def runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="package")
def recogniser(runs):
    return trained("asr_librispeech_ctc", SPEECH, runs)


@pytest.fixture(scope="package")
def translator(runs):
    return trained("mt_tanaka_jaen", TRANSLATION, runs)

"""Text to frames, durations and pitch given: whole runs, killed and resumed to the bit."""

from __future__ import annotations

import hashlib
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import resume, run

SPEC = Path(__file__).parents[3] / "specs" / "tts_given_durations.yaml"
SETTINGS = (
    "train.max_steps=24",
    "train.checkpoint_every_steps=6",
    "evaluate.every_steps=24",
    "data.source.synthetic=16",
)
LAUNCH = Launch(quiet=True, threads=1)
MOST_SECONDS = 120


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("speech")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(place / "cache"))
        yield place


@pytest.fixture(scope="module")
def whole(place):
    """A run that was left alone."""
    return started(place / "whole")


def started(runs: Path):
    overlays = [Overlay.profile("tiny"), *map(Overlay.set, SETTINGS)]
    return run(compile_spec(SPEC, overlays=overlays), runs=runs, launch=LAUNCH)


def killed(place: Path) -> Path:
    """A run that was killed once it had its second checkpoint."""
    process = get_context("fork").Process(target=started, args=(place / "cut",))
    process.start()
    deadline = time.monotonic() + MOST_SECONDS
    while not list(place.glob("cut/*/*/checkpoints/step-00000012")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.join(60)
    (folder,) = place.glob("cut/*/*")
    return folder


def written(folder: Path) -> dict[str, str]:
    files = [folder / "metrics.jsonl", *folder.glob("checkpoints/*/*.safetensors")]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.timeout(300)
def test_a_killed_run_ends_in_the_same_bits(place, whole):
    cut = killed(place)
    assert not (cut / "result.json").exists()

    resume(cut, launch=LAUNCH)

    assert written(cut) == written(whole.folder.path)
    assert len(written(cut)) > 1


def test_every_loss_has_a_name(whole):
    found = whole.evaluated["dev"].metrics

    assert {"loss.frames", "loss.duration", "loss.pitch", "loss.energy", "frame_distance"} <= set(found)
    assert found["mel_cepstral_distortion"] > 0

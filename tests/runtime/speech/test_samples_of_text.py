"""Text to samples, as a user trains and hears it; killed in the middle of a step, and resumed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.predict import predict

ROOT = Path(__file__).parents[3]
SMALLER = (("synthetic: 24", "synthetic: 8"), ("size: 4", "size: 2"),
           ("every_steps: 20, max_examples: 4", "every_steps: 4, max_examples: 1"))  # fmt: skip
LOSSES = {"mel", "kl", "duration", "adversarial", "features"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of three steps, beside one that was killed in the generator's phase of the third."""
    folder = tmp_path_factory.mktemp("samples")
    text = (ROOT / "specs/tts_ljspeech_vits.yaml").read_text()
    for there, here in SMALLER:
        assert text.count(there) == 1
        text = text.replace(there, here)
    (folder / "spec.yaml").write_text(text)
    command = [
        sys.executable,
        "-m",
        "tests.runtime.killed_runs",
        str(folder / "spec.yaml"),
        str(folder),
        "3",
        "6",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr  # no update ended otherwise
    (run,) = (path for path in (folder / "whole").glob("*/*") if path.is_dir())
    return run


def test_each_phase_writes_its_losses_down(whole):
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]

    trained = next(line for line in lines if line["event"] == "train")
    assert {f"generator/loss.{name}" for name in LOSSES} <= trained.keys()
    assert "critic/loss" in trained
    terms = {name: trained[f"generator/loss.{name}"] for name in LOSSES}
    weighed = sum({"mel": 45.0, "features": 2.0}.get(name, 1.0) * value for name, value in terms.items())
    assert trained["generator/loss"] == pytest.approx(weighed, rel=0.02)


def test_a_run_speaks_by_the_settings_of_its_search(whole, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("a red cat\nthe dog sat\n")

    def spoken(name, *over):
        out = io.StringIO()
        predict(
            whole, inputs=[str(texts)], checkpoint="last", over=over, launch=Launch(quiet=True, threads=1),
            nbest=1, scores=False, engine="torch", format="text", out=out, folder=tmp_path / name,
        )  # fmt: skip
        assert out.getvalue() == "00001.wav\n00002.wav\n"
        return soundfile.read(tmp_path / name / "00001.wav")

    (one, rate), (again, _) = spoken("one"), spoken("again")
    slow, _ = spoken("slow", Overlay.set("evaluate.search.length_scale=3.0"))

    assert rate == 8000
    assert len(one) % 64 == 0
    assert np.array_equal(one, again)
    assert len(slow) > 1.5 * len(one)
    assert np.load(tmp_path / "one" / "00001.npy").shape == (len(one) // 64, 26)


def test_the_report_plays_what_was_spoken(whole):
    names = {file.name.split(".", 1)[1] for file in (whole / "predictions/dev.media").iterdir()}

    assert {"prediction.wav", "reference.wav"} <= names
    assert "audio" in (whole / "report.html").read_text()

"""The doctor looks at what a run has learned: it says what has not aligned, and what has collapsed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.commands import corpus
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

SPECS = Path(__file__).parents[3] / "specs"


def examined(spec, place, monkeypatch, *settings):
    """The verdicts of a run of some steps, by check, and the exit code."""
    monkeypatch.setenv("SEQSPEC_CACHE", str(place / "cache"))
    overlays = [Overlay.profile("tiny"), *map(Overlay.set, settings)]
    compiled = compile_spec(SPECS / f"{spec}.yaml", overlays=overlays)
    path = run(compiled, runs=place / "runs", launch=Launch(quiet=True, threads=1)).folder.path
    outcome = corpus.doctor(path, over=(), html=None, steps=1, quiet=True, format="json")
    findings = json.loads(outcome.out)["findings"]
    return {one["check"]: (one["verdict"], one["message"]) for one in findings}, outcome.exit


def steps(count):
    names = ("train.max_steps", "train.checkpoint_every_steps", "evaluate.every_steps")
    return tuple(f"{name}={count}" for name in names)


def test_an_attention_that_has_not_aligned(tmp_path, monkeypatch):
    found, exit = examined("tts_ljspeech_tacotron2", tmp_path, monkeypatch, *steps(2))

    assert found["M21"][0] == "error"
    assert "does not follow the speech" in found["M21"][1]
    assert exit == 1


def test_a_generator_that_has_collapsed(tmp_path, monkeypatch):
    found, exit = examined("gan_mnist", tmp_path, monkeypatch, *steps(2))

    assert found["M22"][0] == "error"
    assert "the generator has collapsed" in found["M22"][1]
    assert exit == 1


@pytest.mark.parametrize(("weight", "verdict"), [(1.0, "ok"), (30.0, "error")])
def test_a_posterior_that_has_collapsed(tmp_path, monkeypatch, weight, verdict):
    found, exit = examined("vae_mnist", tmp_path, monkeypatch, *steps(100), f"losses.kl.weight={weight}")

    assert found["M23"][0] == verdict
    assert ("the posterior has collapsed" in found["M23"][1]) == (verdict == "error")
    assert exit == (verdict == "error")

"""Somebody's own recordings, named by a table, some of them at fault."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seqspec.runtime.commands import corpus
from seqspec.runtime.commands.result_text import notes_of
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.schema.diagnostic import Exit

soundfile = pytest.importorskip("soundfile")

SPEC = """
seqspec: 1
name: own
data:
  source:
    type: tsv
    root: ROOT
    splits: {train: train.tsv}
    source: {audio: file, rate: 8000}
    target: {text: words, language: en}
  split: {dev: 0.3}
  ON_ERROR
  audio: {features: {type: log_mel, num_bins: 8}}
  text: {target: {tokenizer: characters}}
  filter: {max_seconds: 5}
  batch: {unit: examples, size: 4}
model: {type: ctc, encoder: {type: conv_lstm, dim: 8, num_layers: 1}}
loss: ctc
train: {max_steps: 1}
"""
COUNT = 24


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    rows = ["file\twords"]
    for number in range(COUNT):
        rate = 44_100 if number == 3 else 8000
        samples = (0.1 * rng.standard_normal(rate // 2)).astype(np.float32)
        soundfile.write(tmp_path / f"{number}.wav", samples, rate)
        rows.append(f"{number}.wav\tword{number % 5}")
    (tmp_path / "5.wav").write_bytes((tmp_path / "5.wav").read_bytes()[:900])
    (tmp_path / "train.tsv").write_text("\n".join(rows) + "\n")
    return _spec(tmp_path, "on_error: {drop: 0.2}")


def _spec(folder, on_error):
    path = folder / "spec.yaml"
    path.write_text(SPEC.replace("ROOT", str(folder)).replace("ON_ERROR", on_error))
    return path


def _prepare(spec, format="json"):
    outcome = corpus.prepare(spec, over=(), splits=(), processes=1, verify=False, quiet=True, format=format)
    return json.loads(outcome.out)["splits"] if format == "json" else outcome


def test_rows_that_were_left_out_are_counted_once_and_placed(spec):
    found = _prepare(spec)
    told = _prepare(spec, "text").out

    assert found["train"]["examples"] + found["dev"]["examples"] == COUNT - 2
    assert sum(found["train"]["dropped"].values()) == 2
    assert found["dev"]["dropped"] == {}
    assert "the audio has … samples a second, not …: `…` (at " in told
    assert "train.tsv:5)" in told


def test_a_recording_that_was_mended_is_read_again(spec, tmp_path):
    _prepare(spec)
    (tmp_path / "5.wav").write_bytes((tmp_path / "6.wav").read_bytes())

    assert sum(_prepare(spec)["train"]["dropped"].values()) == 1


def test_recordings_left_out_are_no_fault_of_the_order(spec):
    outcome = corpus.inspect(spec, over=(), html=None, limit=100, processes=1, quiet=True, format="json")
    found = {finding["check"]: finding for finding in json.loads(outcome.out)["findings"]}

    assert found["D20"]["verdict"] == "ok"


def test_another_rate_names_both_remedies(spec, tmp_path):
    outcome = _prepare(_spec(tmp_path, "on_error: fail"), "text")

    assert outcome.exit == Exit.DATA
    assert "44100 samples a second, not 8000" in outcome.error
    assert "`resample`" in outcome.error
    assert "`on_error: {drop: 0.09}`" in outcome.error


def test_a_run_says_what_was_left_out_and_what_was_not_judged(tmp_path):
    folder = RunFolder(tmp_path)
    folder.note("data.json", {"dropped": {"train": {"empty source": 3, "cut off": 1}, "dev": {}}})

    assert notes_of(folder, evaluated=True) == (
        "note: rows were left out: 4 of train; `seqspec data prepare` says why\n"
    )
    assert "`evaluate.metrics` names no metric" in notes_of(folder, evaluated=False)
    assert notes_of(RunFolder(tmp_path / "none"), evaluated=True) == ""

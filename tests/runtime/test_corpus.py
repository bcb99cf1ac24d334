from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqspec.runtime.commands import corpus
from seqspec.schema.diagnostic import Exit

SPEC = """
seqspec: 1
name: tiny_pairs
data:
  source:
    type: bitext
    root: ROOT
    source_language: de
    target_language: en
    splits: {train: train, dev: dev, test: test}
  text:
    source: {tokenizer: words}
    target: {tokenizer: words}
  batch: {unit: tokens, size: 200}
model:
  type: encoder_decoder
  encoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}
  decoder: {type: transformer, num_layers: 1}
train: {max_steps: 2}
evaluate: {splits: [dev], metrics: [chrf]}
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, count in (("train", 120), ("dev", 110)):
        for side in ("de", "en"):
            lines = [f"{side} {split} {n % 30} {n}" for n in range(count)]
            (folder / f"{split}.{side}").write_text("".join(f"{line}\n" for line in lines))
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("ROOT", str(folder)))
    return path


def prepare(spec, *, splits=(), format="text"):
    return corpus.prepare(spec, over=(), splits=splits, processes=1, verify=False, quiet=True, format=format)


def test_prepare_tells_what_there_is_and_what_is_not(spec):
    outcome = prepare(spec)

    assert outcome.exit == Exit.CLEAN
    assert "train               120 examples" in outcome.out
    assert "data.text.source.tokenizer.vocab" in outcome.out
    assert "split `test` needs the file" in outcome.error


def test_prepare_gives_one_object(spec):
    found = json.loads(prepare(spec, format="json").out)

    assert found["splits"]["train"]["examples"] == 120
    assert found["splits"]["dev"]["dropped"] == {}


def test_a_split_that_was_asked_for_must_be_there(spec):
    assert prepare(spec, splits=["test"]).exit == Exit.DATA
    assert prepare(spec, splits=["train", "dev_other"]).exit == Exit.DATA


def test_a_missing_file_is_told_without_a_traceback(spec):
    (spec.parent / "corpus" / "train.en").unlink()
    outcome = prepare(spec)

    assert outcome.exit == Exit.DATA
    assert "train.en" in outcome.error


def test_a_spec_that_is_not_there(tmp_path):
    assert prepare(Path(tmp_path / "none.yaml")).exit in (Exit.USAGE, Exit.DIAGNOSTICS)


def test_inspect_writes_a_page(spec, tmp_path):
    page = tmp_path / "out" / "page.html"
    outcome = corpus.inspect(spec, over=(), html=page, limit=1000, processes=1, quiet=True, format="json")
    found = json.loads(outcome.out)

    assert {finding["check"] for finding in found["findings"]} >= {"D01", "D07", "D11", "D18"}
    assert page.read_text().startswith("<!doctype html>")
    assert str(page) in outcome.error
    assert outcome.exit == Exit.CLEAN


def test_doctor_examines_the_compiled_experiment(spec):
    outcome = corpus.doctor(spec, over=(), html=None, steps=3, quiet=True, format="json")
    found = {finding["check"] for finding in json.loads(outcome.out)["findings"]}

    assert {f"M{n:02}" for n in range(1, 21)} - found == set()

"""What needs no learning is scored beside the model."""

import json
import math
from collections import Counter

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.evaluate import evaluation
from seqspec.runtime.run import run

LAUNCH = Launch(quiet=True, threads=1)
MODEL = """
seqspec: 1
name: words
data:
  source: SOURCE
  text: {ROLE: {tokenizer: characters}}
  batch: {unit: tokens, size: 64}
model: {type: TYPE, PARTS}
optimizer: {type: adam, schedule: constant}
train: {max_steps: 1, checkpoint_every_steps: 1}
evaluate: {every_steps: 1, metrics: [METRICS]}
"""
LAYER = "{type: transformer, num_layers: 1, dim: 8, num_heads: 2}"
TRAIN, DEV = ["aaab", "abba", "aaaa"], ["ab", "ba"]


def trained(folder, monkeypatch, **filled):
    monkeypatch.setenv("SEQSPEC_CACHE", str(folder / "cache"))
    text = MODEL
    for name, value in filled.items():
        text = text.replace(name, value)
    (folder / "spec.yaml").write_text(text)
    return run(compile_spec(folder / "spec.yaml"), runs=folder / "runs", launch=LAUNCH).folder


def corpus(folder, name, train, dev):
    (folder / f"train.{name}").write_text("".join(f"{line}\n" for line in train))
    (folder / f"dev.{name}").write_text("".join(f"{line}\n" for line in dev))


def test_a_language_model_has_the_frequencies_of_its_symbols(tmp_path, monkeypatch):
    corpus(tmp_path, "txt", TRAIN, DEV)
    source = json.dumps(
        {"type": "lines", "root": str(tmp_path), "language": "en", "splits": {"train": "train.txt", "dev": "dev.txt"}}
    )  # fmt: skip

    folder = trained(tmp_path, monkeypatch, SOURCE=source, ROLE="target", TYPE="language_model",
                     PARTS=f"decoder: {LAYER}", METRICS="perplexity, bits_per_character")  # fmt: skip

    counts = Counter("".join(TRAIN)) + Counter({"end": len(TRAIN)})
    vocabulary = 4 + 2  # four special symbols, a, b
    shares = {symbol: (n + 1) / (counts.total() + vocabulary) for symbol, n in counts.items()}
    nats = -sum(math.log(shares[symbol]) for symbol in [*"ab", "end", *"ba", "end"])
    expected = {"perplexity": math.exp(nats / 6), "bits_per_character": nats / math.log(2) / 4}
    assert folder.read("result.json")["baselines"]["dev"]["unigram"] == pytest.approx(expected)
    journal = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    (line,) = [one for one in journal if one["event"] == "evaluate"]
    assert line["baselines"]["unigram"] == pytest.approx(expected)

    (tmp_path / "train.txt").unlink()
    again = evaluation(folder.path, split="dev", checkpoint="best", over=(), launch=LAUNCH)
    assert again.scored.baselines["unigram"] == pytest.approx(expected)


def test_from_text_to_text_the_source_is_copied(tmp_path, monkeypatch):
    corpus(tmp_path, "en", TRAIN, ["ab", "bb"])
    corpus(tmp_path, "de", TRAIN, ["ab", "ba"])
    source = json.dumps(
        {"type": "bitext", "root": str(tmp_path), "source_language": "en", "target_language": "de",
         "splits": {"train": "train", "dev": "dev"}}
    )  # fmt: skip

    folder = trained(tmp_path, monkeypatch, SOURCE=source, ROLE="shared", TYPE="encoder_decoder",
                     PARTS=f"encoder: {LAYER}, decoder: {{type: transformer, num_layers: 1}}",
                     METRICS="cer, sequence_accuracy")  # fmt: skip

    found = folder.read("result.json")["baselines"]["dev"]["copy"]
    assert found["cer"] == 0.25
    assert found["sequence_accuracy"] == 0.5

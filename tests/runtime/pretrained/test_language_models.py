import json
import shutil
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from seqspec.compile.explain.explain import explain_spec
from seqspec.compile.pipeline import compile
from seqspec.components.search.greedy import Greedy
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import assemble
from seqspec.schema.diagnostic import DataError, SpecError
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Logits
from tests.runtime.pretrained import folders

pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

SPEC = """
seqspec: 1
name: tuned
data:
  source: {{type: lines, root: "{corpus}", language: en}}
  text: {{target: {{tokenizer: {{type: hf, from: "{folder}"}}}}}}
  pack: {{length: 24}}
  batch: {{unit: examples, size: 4}}
model:
  type: language_model
  from: "{folder}"
  decoder: {decoder}
  head: {{type: linear, bias: false}}
  tie: {tie}
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [perplexity]}}
"""
KINDS = {"llama": (folders.save_llama, "none"), "gpt2": (folders.save_gpt2, "target")}


@pytest.fixture(scope="module", params=list(KINDS))
def tuned(request, tmp_path_factory):
    """A spec that begins with a folder, the program that it starts as, and transformers' model."""
    place = tmp_path_factory.mktemp(request.param)
    save, tie = KINDS[request.param]
    theirs = save(place / "model")
    spec = place / "spec.yaml"
    corpus = folders.write_texts(place / "corpus")
    spec.write_text(SPEC.format(corpus=corpus, folder=place / "model", decoder=request.param, tie=tie))
    return spec, assemble(compile(spec), splits=("train",), initial=True), theirs


@torch.no_grad()
def test_logits_equal_those_of_transformers(tuned):
    _, assembled, theirs = tuned
    steps = assembled.prepared.parts.text["target"]
    order = torch.tensor(steps.tokenizer.original_ids())
    ours = torch.tensor([[3, *steps.encode_batch([folders.TEXTS[3]])[0]]])
    model = assembled.program.model.eval()

    logits = model.head(model.decoder(ours))

    known = order >= 0
    expected = theirs(order[ours]).logits[..., order[known]]
    torch.testing.assert_close(logits[..., known], expected, atol=1e-5, rtol=0)
    assert logits.abs().max() > 1


@torch.no_grad()
def test_greedy_text_equals_that_of_transformers(tuned):
    _, assembled, theirs = tuned
    steps = assembled.prepared.parts.text["target"]
    order = steps.tokenizer.original_ids()
    (prompt,) = steps.encode_batch([folders.TEXTS[5]])
    target = torch.tensor([prompt])
    batch = Batch.pair(None, None, target, torch.tensor([len(prompt)]), torch.arange(1), 0, 1.0)
    program = assembled.program

    (found,), *_ = program.model.eval().decode(
        batch, Greedy(GreedyConfig(max_tokens=8), Logits(steps.vocab_size))
    )

    given = torch.tensor([[order[id] for id in (2, *prompt)]])
    text = theirs.generate(
        given, attention_mask=torch.ones_like(given), max_new_tokens=8, do_sample=False, pad_token_id=0
    )[0, given.shape[1] :]
    assert [order[id] for id in found.ids] == [id for id in text.tolist() if id != order[3]]
    assert len(found.ids) > 2


def test_what_was_read_is_recorded(tuned):
    _, assembled, _ = tuned

    record = assembled.pretrained["model.decoder"]

    assert record["files"].keys() == {"config.json", "model.safetensors"}
    assert (record["fresh"], record["left_over"]) == ([], [])


def test_planning_reads_no_weight_and_no_torch(tuned):
    spec, *_ = tuned
    code = (
        "import sys; from pathlib import Path; from seqspec.compile.pipeline import compile;"
        f"plan = compile(Path({str(spec)!r})).plan; print(plan.config(('model', 'decoder')).num_layers);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'safetensors')))"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "2\n")


def test_explain_says_what_is_taken_and_what_is_left_over(tuned, tmp_path):
    spec, *_ = tuned
    alone = spec.read_text().replace('  from: "', '  #: "').replace("tie: target", "tie: none")
    folder = spec.with_name("model")
    name = "gpt2" if "decoder: gpt2" in alone else "llama"
    (tmp_path / "alone.yaml").write_text(
        alone.replace(f"decoder: {name}", f'decoder: {{type: {name}, from: "{folder}"}}')
    )

    whole = explain_spec(spec, path=None, overlays=())
    part = explain_spec(tmp_path / "alone.yaml", path=None, overlays=())

    assert f"model.decoder  {folder}  " in whole
    assert "left over" not in whole
    assert ("left over in" in part and "lm_head.weight" in part) == (name == "llama")


def _mistakes(spec, **changes):
    text = spec.read_text()
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    changed = spec.with_name("changed.yaml")
    changed.write_text(text)
    try:
        compile(changed)
    except SpecError as error:
        return [(d.code, d.message) for d in error.diagnostics]
    return []


@pytest.fixture
def broken(tuned, tmp_path):
    """The spec with a copy of its folder, to be broken."""
    spec, _, _ = tuned
    folder = tmp_path / "model"
    shutil.copytree(spec.with_name("model"), folder)
    return folder, lambda: _mistakes(spec, folder=(str(spec.with_name("model")), str(folder)))


def test_half_a_download_is_told(broken):
    folder, mistakes = broken
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-40])

    ((code, message),) = mistakes()

    assert code == "SQ272"
    assert "the download was cut off" in message


def test_a_missing_shard_is_told(broken):
    folder, mistakes = broken
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"x": "model-00001-of-00002.safetensors", "y": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    ((code, message),) = mistakes()

    assert code == "SQ272"
    assert "model-00002-of-00002.safetensors, which is not there" in message


def test_a_pickle_is_refused(broken):
    folder, mistakes = broken
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    ((code, _),) = mistakes()

    assert code == "SQ274"


def test_another_architecture_is_told(broken):
    folder, mistakes = broken
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "model_type": "bert"}))

    ((code, message),) = mistakes()

    assert code == "SQ271"
    assert "type `bert`" in message

    for file in folder.glob("model*"):
        file.unlink()
    safetensors.torch.save_file({"bert.other": torch.zeros(1)}, folder / "model.safetensors")
    assert [code for code, _ in mistakes()] == ["SQ271"]


def test_a_missing_folder_is_told(broken):
    folder, mistakes = broken
    shutil.rmtree(folder)

    found = mistakes()

    assert [code for code, _ in found] == ["SQ270"]


def test_sizes_that_contradict_the_folder_are_told(tuned):
    spec, _, _ = tuned
    name = "gpt2" if "decoder: gpt2" in spec.read_text() else "llama"

    found = _mistakes(spec, size=(f"decoder: {name}", f"decoder: {{type: {name}, num_layers: 3}}"))

    assert found[0][0] == "SQ201"
    assert "`num_layers` is 3 here, but 2 follows" in found[0][1]


def test_tensors_that_the_folder_lacks_are_told_unless_they_start_fresh(tuned):
    spec, _, _ = tuned
    bias = ("head: {type: linear, bias: false}", "head: {type: linear, bias: true}")
    untied = ("tie: target", "tie: none") if "tie: target" in spec.read_text() else ("tie: none",) * 2

    ((code, message),) = _mistakes(spec, bias=bias, tie=untied)
    fresh = _mistakes(spec, bias=bias, tie=untied, fresh=("  decoder:", "  fresh: [model.head]\n  decoder:"))

    assert code == "SQ273"
    assert "lacks `lm_head.bias`" in message
    assert fresh == []


def test_a_vocabulary_that_is_not_the_folder_s_is_told(tuned):
    spec, _, _ = tuned
    changed = spec.with_name("characters.yaml")
    text = spec.read_text()
    start = text.index("{type: hf")
    changed.write_text(text[:start] + "characters" + text[text.index("}", start) + 1 :])

    with pytest.raises(DataError, match="belong to the token ids of its folder") as raised:
        assemble(compile(changed), splits=("train",), initial=True)

    assert raised.value.code == "SQ451"

import json

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.export.hf import compare_hf, export_hf, write_hf
from seqspec.schema.diagnostic import RunError
from tests.runtime.pretrained import folders
from tests.runtime.pretrained.test_adaptation import randomise
from tests.runtime.pretrained.test_language_models import KINDS, SPEC

pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

OWN = """
seqspec: 1
name: own
data:
  source: {{type: lines, root: "{corpus}", language: en}}
  text: {{target: {{tokenizer: characters}}}}
  pack: {{length: 24}}
  batch: {{unit: examples, size: 4}}
model:
  type: language_model
  decoder: {{type: transformer, num_layers: 2, dim: 16, num_heads: 2, {decoder}}}
  head: {{type: linear, bias: false}}
  tie: target
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [perplexity]}}
"""
SHAPES = {
    "llama": "norm_type: rms, positions: rotary, activation: swiglu, bias: false, feed_forward_bias: false",
    "gpt2": "positions: learned, max_positions: 25, activation: gelu, embedding: {type: lookup, scale: false}",
}


def assembled(spec, text):
    spec.write_text(text)
    return assemble(compile(spec), splits=("train",), initial=True)


def shaken(program):
    """Weights far from their initial values, so that a norm or a bias that is lost would show."""
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in program.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return program


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    folders.write_texts(place / "corpus")
    return place


@pytest.mark.parametrize("shape", SHAPES)
def test_a_transformer_of_such_a_shape_answers_alike_in_transformers(place, shape, tmp_path):
    made = assembled(place / "spec.yaml", OWN.format(corpus=place / "corpus", decoder=SHAPES[shape]))
    program = shaken(made.program)

    found = export_hf(program, made.prepared, tmp_path / "out")

    assert found.largest < 1e-5
    assert found.texts_equal
    assert json.loads((tmp_path / "out" / "config.json").read_text())["model_type"] == shape


def test_a_shape_that_transformers_lacks_is_told(place, tmp_path):
    made = assembled(place / "spec.yaml", OWN.format(corpus=place / "corpus", decoder="positions: linear"))

    with pytest.raises(RunError, match="`positions` is linear and not learned"):
        write_hf(made.program, made.prepared, tmp_path / "out")


@pytest.fixture(params=list(KINDS))
def begun(request, place):
    """A spec that begins as a folder, and its program."""
    save, tie = KINDS[request.param]
    folder = place / request.param
    if not folder.exists():
        save(folder)
    text = SPEC.format(corpus=place / "corpus", folder=folder, decoder=request.param, tie=tie)
    return text, assembled(place / "spec.yaml", text)


def test_what_began_as_a_folder_goes_out_and_comes_in_again(begun, place, tmp_path):
    text, made = begun
    program = shaken(made.program)

    assert export_hf(program, made.prepared, tmp_path / "out").same
    old = text.split('from: "')[1].split('"')[0]
    again = assembled(tmp_path / "again.yaml", text.replace(old, str(tmp_path / "out")))

    sentence = folders.TEXTS[7]
    logits = []
    for one in (made, again):
        steps, model = one.prepared.parts.text["target"], one.program.model.eval()
        ids = steps.encode_batch([sentence])[0]
        with torch.no_grad():
            logits.append(model.head(model.decoder(torch.tensor([[2, *ids]])))[..., ids])
        assert steps.decode(ids) == sentence
    torch.testing.assert_close(*logits, atol=1e-6, rtol=0)


def test_transformers_own_tokenizer_reads_the_texts_alike(begun, tmp_path):
    import transformers

    _, made = begun
    write_hf(made.program, made.prepared, tmp_path / "out")

    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")

    steps = made.prepared.parts.text["target"]
    ids = theirs(folders.TEXTS[2], add_special_tokens=False)["input_ids"]
    order = steps.tokenizer.original_ids()
    assert [order[id] for id in steps.encode_batch([folders.TEXTS[2]])[0]] == ids


def test_a_folder_that_answers_otherwise_is_found_out(begun, tmp_path):
    _, made = begun
    program = shaken(made.program)
    write_hf(program, made.prepared, tmp_path / "out")
    with torch.no_grad():
        program.model.decoder.norm.weight.mul_(1.01)

    assert not compare_hf(program, made.prepared, tmp_path / "out").same


def test_an_adaptation_goes_out_merged_and_beside(place, tmp_path):
    text = SPEC.format(corpus=place / "corpus", folder=place / "llama", decoder="llama", tie="none")
    if not (place / "llama").exists():
        folders.save_llama(place / "llama")
    adapt = "adapt: {type: lora, parts: [model.decoder], rank: 2}\noptimizer:"
    made = assembled(place / "adapted.yaml", text.replace("optimizer:", adapt))
    randomise(made.program)

    found = export_hf(made.program, made.prepared, tmp_path / "out")

    assert found.same
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").is_file()
    assert any(".low_rank." in name for name in made.program.model.state_dict())

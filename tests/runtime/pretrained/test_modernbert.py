import json

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.export.hf_encoder import compare_encoder, write_encoder
from seqspec.schema.diagnostic import SpecError
from tests.runtime.pretrained import folders

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

SPEC = """
seqspec: 1
name: pairs
data:
  source: {{type: csv, root: "{corpus}", splits: {{train: a.csv, dev: b.csv}}, source: {{text: a, language: en}},
            target: {{text: b, language: en}}}}
  text: {{shared: {{tokenizer: {{type: hf, from: "{folder}"}}}}}}
  batch: {{unit: examples, size: 4}}
model:
  type: dual_encoder
  encoder: {{type: modernbert, from: "{folder}"}}
loss: contrastive
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [retrieval]}}
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A spec that begins with a folder, the program that it starts as, and transformers' model."""
    place = tmp_path_factory.mktemp("modernbert")
    theirs = folders.save_modernbert(place / "model")
    (place / "corpus").mkdir()
    rows = [f"{text},{text} too" for text in folders.TEXTS[:12]]
    for name in ("a.csv", "b.csv"):
        (place / "corpus" / name).write_text("a,b\n" + "\n".join(rows) + "\n")
    spec = place / "spec.yaml"
    spec.write_text(SPEC.format(corpus=place / "corpus", folder=place / "model"))
    return spec, assemble(compile(spec), splits=("train",), initial=True), theirs


@torch.no_grad()
def test_states_equal_those_of_transformers(read):
    _, made, theirs = read
    order = torch.tensor(made.prepared.parts.text["source"].tokenizer.original_ids())
    ids = torch.randint(4, len(order), (2, 70), generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([70, 41])
    real = torch.arange(70) < lengths[:, None]

    states, _ = made.program.model.encoder.eval()(ids * real, lengths)

    expected = theirs.model(order[ids], attention_mask=real.long()).last_hidden_state
    torch.testing.assert_close(states[real], expected[real], atol=1e-5, rtol=0)
    assert states.abs().max() > 1
    left = made.pretrained["model.encoder"]["left_over"]
    assert {name.split(".")[0] for name in left} == {"decoder", "head"}


def test_layers_that_are_worked_out_again_give_the_same_gradients(read):
    _, made, _ = read
    encoder = made.program.model.encoder.train()
    ids = torch.randint(4, 200, (2, 40), generator=torch.Generator().manual_seed(1))
    found = []
    for again in (False, True):
        for layer in encoder.layers:
            layer.recompute = again
        encoder.zero_grad()
        encoder(ids, torch.tensor([40, 30]))[0].square().sum().backward()
        found.append([parameter.grad.clone() for parameter in encoder.parameters()])

    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_encoder_goes_out_and_answers_alike(read, tmp_path):
    _, made, _ = read

    write_encoder(made.program, made.prepared, tmp_path / "out", labels={})

    assert compare_encoder(made.program, made.prepared, tmp_path / "out") < 1e-5


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"model_type": "bert"}, "SQ271", "type `bert`"),
        ({"mlp_bias": True}, "SQ200", "this encoder has no biases"),
        ({"layer_types": ["full_attention"]}, "SQ200", "not all 4"),
        ({"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "SQ272", "rope_type"),
        ({"hidden_size": 32}, "SQ273", "16"),
    ],
)
def test_a_folder_of_another_kind_is_told(read, tmp_path, change, code, said):
    spec, *_ = read
    held = spec.with_name("model")
    for file in held.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = json.loads((held / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**settings, **change}))
    (tmp_path / "spec.yaml").write_text(spec.read_text().replace(str(held), str(tmp_path)))

    with pytest.raises(SpecError) as raised:
        compile(tmp_path / "spec.yaml")

    (told,) = raised.value.diagnostics
    assert (told.code, said in told.message) == (code, True)


def test_settings_of_older_files_say_the_same(read, tmp_path):
    spec, made, _ = read
    held = spec.with_name("model")
    for file in held.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = json.loads((held / "config.json").read_text())
    del settings["layer_types"], settings["rope_parameters"]
    older = {"global_attn_every_n_layers": 3, "global_rope_theta": 160_000, "local_rope_theta": 10_000}
    (tmp_path / "config.json").write_text(json.dumps(settings | older))
    (tmp_path / "spec.yaml").write_text(spec.read_text().replace(str(held), str(tmp_path)))

    plan = compile(tmp_path / "spec.yaml").plan

    path = ("model", "encoder")
    assert plan.config(path).full_layers == [0, 3] == made.program.plan.config(path).full_layers
    assert plan.config(path).rotary_base == made.program.plan.config(path).rotary_base

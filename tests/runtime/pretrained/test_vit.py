import json
import shutil

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.export.hf_encoder import compare_encoder, write_encoder
from seqspec.schema.diagnostic import SpecError
from tests.runtime.pretrained import folders

transformers = pytest.importorskip("transformers")

SPEC = """
seqspec: 1
name: seen
data:
  source: {{type: mnist, root: unused, synthetic: 12}}
  batch: {{unit: examples, size: 4}}
model: {{type: classifier, encoder: {{type: vit, from: "{folder}"}}}}
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [test], metrics: [accuracy]}}
"""


def spec_of(place, folder):
    (place / "spec.yaml").write_text(SPEC.format(folder=folder))
    return compile(place / "spec.yaml")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    place = tmp_path_factory.mktemp("vit")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24, image_size=28,
        patch_size=7, num_channels=1, initializer_range=0.3, num_labels=3,
    )  # fmt: skip
    theirs = folders._saved(transformers.ViTForImageClassification, config, place / "model")
    return place, assemble(spec_of(place, place / "model"), splits=("train",), initial=True), theirs


@torch.no_grad()
def test_the_vector_equals_that_of_transformers(seen):
    _, made, theirs = seen
    x_BCHW = torch.randn(3, 1, 28, 28)

    vector, _ = made.program.model.encoder.eval()(x_BCHW)

    expected = theirs.vit(pixel_values=x_BCHW).last_hidden_state[:, 0]
    torch.testing.assert_close(vector, expected, atol=1e-5, rtol=0)
    record = made.pretrained["model.encoder"]
    assert (record["fresh"], record["left_over"]) == ([], ["classifier.bias", "classifier.weight"])


def test_a_classifier_goes_out_and_answers_alike(seen, tmp_path):
    _, made, _ = seen
    names = {"target": tuple(map(str, range(10)))}

    write_encoder(made.program, made.prepared, tmp_path / "out", labels=names)

    assert compare_encoder(made.program, made.prepared, tmp_path / "out") < 1e-5
    assert json.loads((tmp_path / "out" / "config.json").read_text())["id2label"]["7"] == "7"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_size": 32}, "1 channels of 32 × 32 pixels"),
        ({"qkv_bias": False}, "has no biases"),
        ({"model_type": "deit"}, "type `deit`"),
    ],
)
def test_a_folder_of_another_kind_is_told(seen, tmp_path, change, said):
    folder = tmp_path / "model"
    shutil.copytree(seen[0] / "model", folder)
    held = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**held, **change}))

    with pytest.raises(SpecError, match=said):
        spec_of(tmp_path, folder)

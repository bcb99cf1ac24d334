import json

import numpy as np
import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.components.search.ctc_greedy import CtcGreedy
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.export.hf_encoder import compare_encoder, write_encoder
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.search.ctc_greedy import CtcGreedyConfig
from seqspec.schema.types import Logits
from tests.runtime.pretrained import folders

transformers = pytest.importorskip("transformers")

SPEC = """
seqspec: 1
name: heard
data:
  source: {{type: kaldi, root: unused, language: en, rate: {rate}, synthetic: 6}}
  text: {{target: {{tokenizer: characters}}}}
  audio: {{features: {{type: samples{features}}}, normalize: none}}
  filter: {{max_seconds: 20.0}}
  batch: {{unit: examples, size: 2}}
model: {{type: ctc, encoder: {{type: wav2vec2, from: "{folder}", time_mask: {mask}}}}}
loss: ctc
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [cer]}}
"""


STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}


@pytest.fixture(scope="module", params=["group", "layer"])
def heard(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return folder, folders.save_wav2vec2(folder, **(STABLE if request.param == "layer" else {}))


def plan_of(folder, tmp_path, *, rate=16_000, features="", mask=0.05):
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(folder=folder, rate=rate, features=features, mask=mask))
    return compile(spec)


@torch.no_grad()
def test_states_of_raw_sound_equal_those_of_transformers(heard, tmp_path):
    folder, theirs = heard
    made = assemble(plan_of(folder, tmp_path), splits=("train",), initial=True)
    samples = np.random.default_rng(1).normal(size=2001).astype(np.float32) * 0.1 + 0.02
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    given = extractor(samples, sampling_rate=16_000, return_tensors="pt").input_values

    frames = made.prepared.parts.features["source"](samples)
    states, lengths = made.program.model.encoder.eval()(frames[None], torch.tensor([len(frames)]))

    expected = theirs.wav2vec2(given).last_hidden_state
    assert int(lengths) == expected.shape[1]
    torch.testing.assert_close(states[:, : int(lengths)], expected, atol=1e-5, rtol=0)
    record = made.pretrained["model.encoder"]
    assert record["left_over"] == ["lm_head.bias", "lm_head.weight"]


def test_old_names_of_the_normalised_kernel_are_known(heard, tmp_path):
    folder, _ = heard
    (tmp_path / "old").mkdir()
    for file in ("config.json", "preprocessor_config.json"):
        (tmp_path / "old" / file).write_bytes((folder / file).read_bytes())
    data = (folder / "model.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    head = data[8 : 8 + size].replace(b"parametrizations.weight.original0", b"weight_g")
    head = head.replace(b"parametrizations.weight.original1", b"weight_v")
    (tmp_path / "old" / "model.safetensors").write_bytes(
        len(head).to_bytes(8, "little") + head + data[8 + size :]
    )

    assert plan_of(tmp_path / "old", tmp_path).plan


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"rate": 8_000}, "SQ452", "hears 16,000 samples a second, and the corpus gives 8,000"),
        (
            {"features": ", normalize: none"},
            "SQ452",
            "`do_normalize` is true, and the samples are normalised by",
        ),
    ],
)
def test_sound_that_comes_otherwise_is_told(heard, tmp_path, changes, code, said):
    folder, _ = heard

    with pytest.raises(SpecError) as raised:
        plan_of(folder, tmp_path, **changes)

    (found,) = raised.value.diagnostics
    assert (found.code, said in found.message) == (code, True)


def test_what_the_encoder_does_not_have_is_told(heard, tmp_path):
    folder, _ = heard
    settings = json.loads((folder / "config.json").read_text())
    (tmp_path / "other").mkdir()
    for name in ("model.safetensors", "preprocessor_config.json"):
        (tmp_path / "other" / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "other" / "config.json").write_text(json.dumps({**settings, "add_adapter": True}))

    with pytest.raises(SpecError, match="has adapters, which this encoder does not have"):
        plan_of(tmp_path / "other", tmp_path)


@pytest.mark.parametrize("settings", [{}, STABLE], ids=["group", "layer"])
@pytest.mark.parametrize("kind", ["Hubert", "WavLM"])
@torch.no_grad()
def test_hubert_and_wavlm_equal_those_of_transformers(kind, settings, tmp_path):
    near = {"num_buckets": 12, "max_bucket_distance": 20} if kind == "WavLM" else {}
    theirs = folders.save_wav2vec2(tmp_path, kind=kind, **settings, **near)
    made = assemble(plan_of(tmp_path, tmp_path), splits=("train",), initial=True)
    encoder = made.program.model.encoder.eval()
    sound = torch.randn(2, 14_400, generator=torch.Generator().manual_seed(1)) * 0.3

    states, lengths = encoder(sound[..., None], torch.tensor([14_400, 9_600]))

    body = theirs.hubert if kind == "Hubert" else theirs.wavlm
    for row, (size, count) in enumerate(zip((14_400, 9_600), lengths.tolist(), strict=True)):
        expected = body(sound[row : row + 1, :size]).last_hidden_state
        assert count == expected.shape[1] > 20
        torch.testing.assert_close(states[row : row + 1, :count], expected, atol=1e-5, rtol=0)
    lacking = {name for name in made.pretrained["model.encoder"]["left_over"] if "lm_head" not in name}
    assert lacking == set()
    goes_out_and_writes_alike(made, tmp_path / "out", kind="WavLM" if kind == "WavLM" else "Wav2Vec2")


@torch.no_grad()
def goes_out_and_writes_alike(made, folder, *, kind):
    model = made.program.model.eval()
    torch.nn.init.normal_(model.head.weight_VD, generator=torch.Generator().manual_seed(2))
    model.head.bias_V[1:4] = -100  # nothing that has no letter

    write_encoder(made.program, made.prepared, folder, labels={})

    assert compare_encoder(made.program, made.prepared, folder) < 1e-5
    theirs = getattr(transformers, f"{kind}ForCTC").from_pretrained(folder).eval()
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    sound = np.random.default_rng(3).normal(size=16_000).astype(np.float32) * 0.2
    given = extractor(sound, sampling_rate=16_000, return_tensors="pt").input_values
    frames = made.prepared.parts.features["source"](sound)
    batch = Batch.pair(frames[None], torch.tensor([len(frames)]), torch.zeros(1, 1, dtype=torch.int64),
                       torch.ones(1, dtype=torch.int64), torch.arange(1), 0, 1.0)  # fmt: skip
    ((best, *_),) = model.decode(
        batch, CtcGreedy(CtcGreedyConfig(), Logits(len(model.head.bias_V), blank=True))
    )
    written = made.prepared.parts.text["target"].decode(best.ids)
    said = tokenizer.decode(theirs(given).logits[0].argmax(-1))
    assert len(written) > 3
    assert said.split() == written.split()


def test_wav2vec2_goes_out_and_writes_alike(heard, tmp_path):
    made = assemble(plan_of(heard[0], tmp_path), splits=("train",), initial=True)

    goes_out_and_writes_alike(made, tmp_path / "out", kind="Wav2Vec2")

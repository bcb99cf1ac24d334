"""HiFi-GAN's published folders: the authors' config.json and transformers', weights normalised or whole."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from seqspec.compile.pipeline import compile
from seqspec.runtime.assembly.assemble import assemble
from seqspec.schema.diagnostic import SpecError

transformers = pytest.importorskip("transformers")

SIZES = {
    "upsample_initial_channel": 16, "upsample_rates": [4, 4], "upsample_kernel_sizes": [8, 8],
    "resblock_kernel_sizes": [3, 5], "resblock_dilation_sizes": [[1, 2], [1, 3]],
}  # fmt: skip
OWN = {
    "resblock": "1", **SIZES, "num_mels": 12, "n_fft": 128, "hop_size": 16, "win_size": 128,
    "sampling_rate": 8000, "fmin": 0, "fmax": 4000, "segment_size": 8192, "num_gpus": 0,
}  # fmt: skip
SPEC = """
seqspec: 1
name: spoken
data:
  source: {{type: ljspeech, root: unused, task: vocoding, synthetic: 6, resample: 8000}}
  split: {{dev: 0.3}}
  audio:
    features: {{type: mel_spectrogram, num_bins: 12, fft_samples: 128, hop_samples: 16, high_hz: {high}, padding: same}}
    normalize: none
    fields: {{target: {{features: {{type: waveform, hop_samples: 16, fft_samples: 128}}, normalize: none}}}}
  filter: {{max_seconds: 20.0}}
  batch: {{unit: examples, size: 2}}
model:
  type: vocoder
  generator:
    {{type: hifi_gan, from: "{folder}", channels: {channels}, upsample_rates: [4, 4], upsample_kernels: [8, 8], block_kernels: [3, 5],
     block_dilations: [[1, 2], [1, 3]]}}
  critic: {{type: hifi_gan, periods: [2], period_channels: [2, 2], num_scales: 1, scale_channels: [16, 16, 16, 16, 16, 16, 16]}}
losses:
  mel: {{type: auxiliary, on: mel}}
  adversarial: {{type: auxiliary, on: adversarial}}
  features: {{type: auxiliary, on: features}}
  critic: {{type: auxiliary, on: critic}}
procedure: {{type: adversarial, critic_losses: [critic], generator_losses: [mel, adversarial, features]}}
optimizers:
  critic: {{type: adam, parameters: [model.critic], schedule: {{type: constant, peak: 1.0e-3}}}}
  generator: {{type: adam, parameters: [model.generator], schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{every_steps: 2, splits: [dev], metrics: [{{type: mel_cepstral_distortion, order: 8}}]}}
"""


def theirs():
    torch.manual_seed(1)
    config = transformers.SpeechT5HifiGanConfig(
        model_in_dim=12, sampling_rate=8000, normalize_before=False, **SIZES
    )
    model = transformers.SpeechT5HifiGan(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def own_tensors(model, *, whole):
    """As the authors' code saves them: `ups`, and a scale and a direction for each weight."""
    found = {}
    for name, tensor in model.state_dict().items():
        name = name.replace("upsampler.", "ups.")
        if whole or not name.endswith(".weight"):
            found[name] = tensor.contiguous()
        else:
            found[f"{name}_g"] = tensor.norm(dim=(1, 2), keepdim=True)
            found[f"{name}_v"] = tensor * 3.0
    return {name: tensor for name, tensor in found.items() if name not in ("mean", "scale")}


def plan_of(folder, tmp_path, *, channels=16, high=4000.0):
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(folder=folder, channels=channels, high=high))
    return compile(spec)


@pytest.mark.parametrize("form", ["transformers", "own whole", "own normalized"])
def test_sound_equals_that_of_the_folder(form, tmp_path):
    model, folder = theirs(), tmp_path / "folder"
    folder.mkdir()
    if form == "transformers":
        model.save_pretrained(folder)
    else:
        (folder / "config.json").write_text(json.dumps(OWN))
        save_file(own_tensors(model, whole=form == "own whole"), folder / "model.safetensors")
    frames = torch.randn(2, 9, 12, generator=torch.Generator().manual_seed(2))

    made = assemble(plan_of(folder, tmp_path), splits=("train",), initial=True)
    with torch.no_grad():
        heard, expected = made.program.model.generator.eval()(frames), model(frames)

    torch.testing.assert_close(heard, expected.view_as(heard), atol=1e-6, rtol=1e-5)
    assert heard.shape == (2, 144)
    assert made.pretrained["model.generator"]["fresh"] == []


def test_a_folder_that_does_not_fit_says_where(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(OWN))
    torch.save({"generator": own_tensors(theirs(), whole=False)}, folder / "generator_v1")

    def said(**changes):
        with pytest.raises(SpecError) as caught:
            plan_of(folder, tmp_path, **changes)
        (found,) = caught.value.diagnostics
        return found.code, f"{found.message} {found.help}"

    code, text = said()
    assert code == "SQ274"
    assert "generator_v1" in text
    assert "w.get('generator', w)" in text
    save_file(own_tensors(theirs(), whole=False), folder / "model.safetensors")
    assert "write `channels: 16`" in said(channels=32)[1]
    assert "`fmax` of the folder's config.json is 4000, and here it is 3500" in said(high=3500.0)[1]
    (folder / "config.json").write_text(json.dumps({**OWN, "resblock_dilation_sizes": "1"}))
    assert said()[0] == "SQ272"
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert said()[0] == "SQ271"

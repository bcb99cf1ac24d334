import json

import numpy as np
import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.components.search.greedy import Greedy
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import assemble
from seqspec.schema.diagnostic import DataError, SpecError
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Logits
from tests.runtime.pretrained import folders
from tests.runtime.pretrained.whisper_folder import save_whisper

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

SPEC = """
seqspec: 1
name: heard
data:
  source: {{type: kaldi, root: unused, language: {language}, rate: {rate}, synthetic: 6}}
  text: {{target: {{tokenizer: {{type: whisper, from: "{folder}"{told}}}}}}}
  audio: {{features: {{type: {feature}, num_bins: {bins}}}, normalize: none}}
  filter: {{max_seconds: 30.0}}
  batch: {{unit: examples, size: 2}}
model:
  type: encoder_decoder
  from: "{folder}"
  encoder: whisper
  decoder: whisper
  head: {{type: linear, bias: false}}
  tie: target
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [cer]}}
"""
USUAL = {"language": "ja", "rate": 16_000, "told": "", "feature": "whisper", "bins": 80}


def write_spec(folder, tmp_path, **changes):
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(folder=folder, **{**USUAL, **changes}))
    return spec


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    return folder, save_whisper(folder)


@pytest.fixture(scope="module")
def begun(saved, tmp_path_factory):
    folder, theirs = saved
    made = assemble(
        compile(write_spec(folder, tmp_path_factory.mktemp("spec"))), splits=("train",), initial=True
    )
    made.program.model.eval()
    return made, theirs


def heard(made, folder):
    """Two recordings of half a second and less, as we and transformers read them."""
    draws = np.random.default_rng(1)
    sounds = [(draws.normal(size=size) * 0.1).astype(np.float32) for size in (9001, 4400)]
    frames = [made.prepared.parts.features["source"](sound) for sound in sounds]
    lengths = torch.tensor([len(one) for one in frames])
    source = torch.nn.utils.rnn.pad_sequence(frames, batch_first=True)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    given = extractor(sounds, sampling_rate=16_000, return_tensors="pt").input_features[..., :100]
    target = torch.zeros(2, 1, dtype=torch.int64)
    return Batch.pair(
        source, lengths, target, torch.ones(2, dtype=torch.int64), torch.arange(2), 0, 1.0
    ), given


@torch.no_grad()
def test_logits_equal_those_of_transformers(begun, saved):
    made, theirs = begun
    batch, given = heard(made, saved[0])
    tokenizer = made.prepared.parts.text["target"].tokenizer
    order = torch.tensor(tokenizer.original_ids())
    written = torch.tensor([[2, *tokenizer.encode(text)[:8]] for text in folders.TEXTS[:2]])
    model = made.program.model

    logits = model.head(model.decoder(written, *model.encode(batch)))

    expected = theirs(input_features=given, decoder_input_ids=order[written]).logits
    known = order >= 0
    torch.testing.assert_close(logits[..., known], expected[..., order[known]], atol=1e-5, rtol=1e-5)
    assert logits.abs().max() > 0.5
    assert sorted(set(order[known].tolist())) == list(range(theirs.config.vocab_size))


@torch.no_grad()
def test_greedy_text_behind_the_prompt_equals_that_of_transformers(begun, saved):
    made, theirs = begun
    batch, given = heard(made, saved[0])
    steps = made.prepared.parts.text["target"]
    order = steps.tokenizer.original_ids()

    found = made.program.model.decode(batch, Greedy(GreedyConfig(max_tokens=8), Logits(steps.vocab_size)))

    texts = theirs.generate(
        given, language="ja", task="transcribe", max_new_tokens=8, do_sample=False, num_beams=1
    )
    end = theirs.config.eos_token_id
    for (best, *_), text in zip(found, texts.tolist(), strict=True):
        prompt = [order[2], *order[4:7]]
        written = text[len(prompt) :] if text[: len(prompt)] == prompt else text
        assert [order[id] for id in best.ids] == [id for id in written if id != end]
        assert len(best.ids) > 2

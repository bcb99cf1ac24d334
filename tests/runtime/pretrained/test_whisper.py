import copy
import json
import shutil

import numpy as np
import pytest
import torch
import yaml

from seqspec.compile.pipeline import compile
from seqspec.components.feature.whisper import Whisper as Feature
from seqspec.components.search.greedy import Greedy
from seqspec.components.tokenizer.whisper import Whisper as Tokenizer
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.export.hf_speech import compare_speech, write_speech
from seqspec.schema.diagnostic import DataError, SpecError
from seqspec.schema.feature.whisper import WhisperConfig as FeatureConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.tokenizer.whisper import WhisperConfig as TokenizerConfig
from seqspec.schema.types import Logits, Text, Waveform
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
  audio: {{features: {{type: {feature}, num_bins: {bins}{more}}}, normalize: none}}
  filter: {{max_seconds: {longest}}}
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
USUAL = {
    "language": "ja",
    "rate": 16_000,
    "told": "",
    "feature": "whisper",
    "bins": 80,
    "more": ", max_seconds: 1.0",
    "longest": 1.0,
}


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
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, chunk_length=1)
    given = extractor(sounds, sampling_rate=16_000, return_tensors="pt").input_features
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


@torch.no_grad()
def test_ids_that_the_folder_suppresses_are_not_written(saved, begun, tmp_path):
    folder, theirs = saved
    steps = begun[0].prepared.parts.text["target"]
    batch, given = heard(begun[0], folder)
    greedy = Greedy(GreedyConfig(max_tokens=8), Logits(steps.vocab_size))
    free = begun[0].program.model.decode(batch, greedy)
    order = steps.tokenizer.original_ids()
    shutil.copytree(folder, tmp_path / "model")
    # What was written first is forbidden there, and whatever followed everywhere.
    silent = {"begin_suppress_tokens": sorted({order[best.ids[0]] for (best,) in free}),
              "suppress_tokens": sorted({order[id] for (best,) in free for id in best.ids[1:]} - {order[3]})}  # fmt: skip
    (tmp_path / "model" / "generation_config.json").write_text(json.dumps(silent))
    made = assemble(compile(write_spec(tmp_path / "model", tmp_path)), splits=("train",), initial=True)

    found = made.program.model.eval().decode(batch, greedy)

    told = copy.deepcopy(theirs.generation_config)
    told.update(**silent)
    texts = theirs.generate(
        given, language="ja", task="transcribe", max_new_tokens=8, do_sample=False, num_beams=1,
        generation_config=told,
    )  # fmt: skip
    prompt = [order[2], *order[4:7]]
    for (best,), (was,), text in zip(found, free, texts.tolist(), strict=True):
        written = text[len(prompt) :] if text[: len(prompt)] == prompt else text
        assert [order[id] for id in best.ids] == [id for id in written if id != order[3]]
        assert best.ids != was.ids
        assert not {order[id] for id in best.ids} & set(silent["suppress_tokens"])
    write_speech(made.program, made.prepared, tmp_path / "out")
    out = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert {name: out[name] for name in silent} == silent


def test_a_list_of_ids_that_is_none_is_told(saved, tmp_path):
    shutil.copytree(saved[0], tmp_path / "model")
    (tmp_path / "model" / "generation_config.json").write_text('{"suppress_tokens": ["a"]}')

    with pytest.raises((SpecError, DataError), match="holds no list of ids under `suppress_tokens`"):
        assemble(compile(write_spec(tmp_path / "model", tmp_path)), splits=("train",), initial=True)


@pytest.mark.parametrize("size", [300, 9001, 479_700, 500_000])
@pytest.mark.parametrize("bins", [80, 128])
def test_frames_equal_those_of_transformers(size, bins):
    """Behind the frames that are kept, all equal the last."""
    samples = (np.random.default_rng(size).normal(size=size) * 0.1).astype(np.float32)
    samples[: size // 3] = 0
    feature = Feature(FeatureConfig(num_bins=bins), Waveform(16_000))
    theirs = transformers.WhisperFeatureExtractor(feature_size=bins)

    given = feature(samples)

    expected = theirs(samples, sampling_rate=16_000, return_tensors="pt").input_features[0].T
    whole = torch.cat([given, given[-1:].expand(len(expected) - len(given), -1)])
    assert len(given) == feature.num_frames(size) <= 3000
    torch.testing.assert_close(whole, expected, atol=2e-5, rtol=0)


@torch.no_grad()
def test_what_shares_a_batch_changes_nothing(begun, saved):
    made, _ = begun
    batch, _ = heard(made, saved[0])
    short = int(batch.source_lengths[1])
    encoder = made.program.model.encoder

    together, lengths = encoder(batch.source, batch.source_lengths)
    alone, _ = encoder(batch.source[1:, :short], batch.source_lengths[1:])

    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=0)
    assert lengths.tolist() == [50, 50]


def test_nothing_of_the_folder_is_left_over_or_begins_at_random(begun):
    made, _ = begun

    for name in ("model.encoder", "model.decoder"):
        assert made.pretrained[name]["fresh"] == []
        assert made.pretrained[name]["left_over"] == []


@torch.no_grad()
def test_a_changed_model_goes_out_and_answers_alike(begun, saved, tmp_path):
    made, _ = begun
    before = {name: value.clone() for name, value in made.program.model.state_dict().items()}
    torch.manual_seed(4)
    for parameter in made.program.model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.05)

    write_speech(made.program, made.prepared, tmp_path / "out")
    found = compare_speech(made.program, made.prepared, tmp_path / "out")
    batch, _ = heard(made, saved[0])
    extractor = transformers.AutoFeatureExtractor.from_pretrained(tmp_path / "out", chunk_length=1)
    steps = made.prepared.parts.text["target"]
    ((best, *_), _) = made.program.model.decode(
        batch, Greedy(GreedyConfig(max_tokens=6), Logits(steps.vocab_size))
    )
    made.program.model.load_state_dict(before)

    assert found.largest < 1e-5
    assert found.texts_equal
    theirs = transformers.AutoModelForSpeechSeq2Seq.from_pretrained(tmp_path / "out").eval()
    sounds = (np.random.default_rng(1).normal(size=9001) * 0.1).astype(np.float32)
    given = extractor(sounds, sampling_rate=16_000, return_tensors="pt").input_features
    text = theirs.generate(given, language="ja", task="transcribe", max_new_tokens=6, do_sample=False)[0]
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.decode(text, skip_special_tokens=True) == steps.tokenizer.decode(best.ids)


def test_the_prompt_stands_in_front_of_each_text(begun):
    made, _ = begun
    tokenizer = made.prepared.parts.text["target"].tokenizer

    ids = tokenizer.encode(folders.TEXTS[0])

    assert tokenizer.pieces(ids[:3]) == ["<|ja|>", "<|transcribe|>", "<|notimestamps|>"]
    assert ids[:3] == [4, 5, 6]
    assert tokenizer.decode(ids) == folders.TEXTS[0]
    assert made.program.model.prompt == (4, 5, 6)


@pytest.mark.parametrize(
    ("changes", "prompt"),
    [({"told": ", language: none"}, ["<|notimestamps|>"]),
     ({"told": ", language: de, task: translate, timestamps: true"}, ["<|de|>", "<|translate|>"])],
)  # fmt: skip
def test_the_prompt_is_what_the_spec_says(saved, changes, prompt):
    fields = yaml.safe_load(f"{{x: 1{changes['told']}}}")
    del fields["x"]
    config = TokenizerConfig(**{"from": str(saved[0]), **fields})
    made = Tokenizer(config, Text("ja"))
    made.train([])

    assert made.pieces(made.encode("the cat"))[: len(prompt)] == prompt
    assert config.output(Text("ja")).prompt == len(prompt)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"rate": 8_000}, "hears 16,000 samples a second, and the corpus gives 8,000"),
     ({"more": ""}, "hears 1 seconds, and the features are cut at 30"),
     ({"bins": 128}, "reads frames of 80 mel filters, and these have 128"),
     ({"feature": "log_mel", "more": ""}, "learned Whisper's own frames, and these are others")],
)  # fmt: skip
def test_sound_that_comes_otherwise_is_told(saved, tmp_path, changes, said):
    with pytest.raises(SpecError, match=said):
        compile(write_spec(saved[0], tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"language": "fr"}, r"no piece `<\|fr\|>`; its languages are en, zh, de, ja"),
     ({"told": ", language: xx"}, r"no piece `<\|xx\|>`; its languages are en, zh, de, ja")],
)  # fmt: skip
def test_a_language_that_the_folder_has_not_is_told(saved, tmp_path, changes, said):
    with pytest.raises((SpecError, DataError), match=said):
        assemble(compile(write_spec(saved[0], tmp_path, **changes)), splits=("train",), initial=True)


def test_frames_that_are_normalised_again_are_told(saved, tmp_path):
    spec = write_spec(saved[0], tmp_path)
    spec.write_text(spec.read_text().replace(", normalize: none", ""))

    with pytest.raises(SpecError, match="learned Whisper's own frames"):
        compile(spec)


@torch.no_grad()
def test_more_positions_than_were_learned_are_told(begun):
    made, _ = begun
    model = made.program.model

    with pytest.raises(DataError, match="101 positions, and the model has learned 100") as raised:
        model.encoder(torch.zeros(1, 101, 80), torch.tensor([101]))
    with pytest.raises(DataError, match="41 positions, and the model has learned 40"):
        model.decoder(torch.ones(1, 41, dtype=torch.int64), torch.zeros(1, 50, 16), torch.tensor([50]))

    assert raised.value.code == "SQ362"


def test_a_folder_of_another_architecture_is_told(tmp_path):
    folders.save_t5(tmp_path / "t5")

    with pytest.raises(SpecError, match="type `t5`, and `whisper` is read from `whisper`"):
        compile(write_spec(tmp_path / "t5", tmp_path))


def test_a_tokenizer_without_prompts_is_told(tmp_path):
    folders.save_t5(tmp_path / "t5")
    made = Tokenizer(TokenizerConfig(**{"from": str(tmp_path / "t5")}), Text("ja"))

    with pytest.raises(DataError, match="it is not Whisper's"):
        made.train([])

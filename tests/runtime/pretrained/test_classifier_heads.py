"""Classifiers that others have fine-tuned: read with their labels, right at once, and out again."""

import json
import shutil

import numpy as np
import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.data.batching.collate import collate
from seqspec.runtime.api import open_run
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.export.hf_encoder import compare_encoder, write_encoder
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, RunError, SpecError
from tests.runtime.pretrained import folders

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

REST = """
optimizer: {{type: adamw, schedule: {{type: constant, peak: 0.0}}}}
train: {{max_steps: 1, checkpoint_every_steps: 1}}
evaluate: {{splits: [test], metrics: [{metric}]}}
"""
TEXTS = """
seqspec: 1
name: moods
data:
  source: {{type: csv, root: "{corpus}", source: {{text: text, language: en}}, target: {{label: mood}}, splits: {{train: a.csv, test: b.csv}}}}
  text: {{source: {{tokenizer: {{type: hf, from: "{folder}", template: true}}}}}}
  batch: {{unit: examples, size: 4}}
model: {{type: classifier, encoder: {{type: bert, from: "{folder}", pooler: true}}, head: {{type: pretrained, from: "{folder}"}}}}
"""
TAGS = """
seqspec: 1
name: tags
data:
  source: {{type: conll, root: "{corpus}", language: en, splits: {{train: a.txt, test: b.txt}}}}
  text: {{source: {{tokenizer: {{type: hf, from: "{folder}", template: true}}}}, target: {{tokenizer: words}}}}
  batch: {{unit: examples, size: 4}}
model: {{type: token_classifier, encoder: {{type: bert, from: "{folder}"}}, head: {{type: pretrained, from: "{folder}"}}}}
"""
SOUND = """
seqspec: 1
name: heard
data:
  source: {{type: free_spoken_digits, root: unused, synthetic: 20}}
  audio: {{features: {{type: samples}}, normalize: none}}
  filter: {{max_seconds: 20.0}}
  batch: {{unit: examples, size: 2}}
model:
  type: classifier
  encoder: {{type: wav2vec2, from: "{folder}"}}
  pooler: {{type: projected_mean, from: "{folder}"}}
  head: {{type: pretrained, from: "{folder}"}}
"""
IMAGES = """
seqspec: 1
name: seen
data:
  source: {{type: mnist, root: unused, synthetic: 30}}
  batch: {{unit: examples, size: 4}}
model: {{type: classifier, encoder: {{type: vit, from: "{folder}"}}, head: {{type: pretrained, from: "{folder}"}}}}
"""
MOODS = ["sad", "glad", "mad"]
TAGGED = ["O", "B-X", "I-X"]


def _named(names):
    return {"id2label": dict(enumerate(names)), "label2id": {name: id for id, name in enumerate(names)}}


def _save_bert(folder, cls, names):
    size = folders.save_tokenizer(folder, special=("[CLS]", "[PAD]", "[SEP]"))
    (folder / "tokenizer.json").write_text(_bracketed((folder / "tokenizer.json").read_text()))
    config = transformers.BertConfig(
        vocab_size=size, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
        max_position_embeddings=32, initializer_range=0.3, pad_token_id=1, **_named(names),
    )  # fmt: skip
    return folders._saved(getattr(transformers, cls), config, folder)


def _bracketed(text):
    held = json.loads(text)
    held["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 0]}
    return json.dumps(held)


def _made(place, spec, metric, **more):
    file = place / "spec.yaml"
    file.write_text((spec + REST).format(folder=place / "model", metric=metric, corpus=place, **more))
    return file


@pytest.fixture(scope="module")
def moods(tmp_path_factory):
    place = tmp_path_factory.mktemp("moods")
    theirs = _save_bert(place / "model", "BertForSequenceClassification", MOODS)
    rows = [f"{text},{MOODS[i % 3]}" for i, text in enumerate(folders.TEXTS[:12])]
    for name in ("a.csv", "b.csv"):
        (place / name).write_text("text,mood\n" + "\n".join(rows) + "\n")
    spec = _made(place, TEXTS, "accuracy")
    return spec, assemble(compile(spec), splits=("train",), initial=True), theirs


@torch.no_grad()
def _logits(made, rows=4):
    model = made.program.model.eval()
    batch = collate(made.prepared.splits["train"], np.arange(rows), step=0, loss_normalizers={"loss": 1.0})
    scored = next(iter(model.outputs(batch).values()))
    return batch, scored.head(scored.hidden)


@torch.no_grad()
def test_a_text_s_class_is_the_folder_s(moods):
    _, made, theirs = moods
    order = torch.tensor(made.prepared.parts.text["source"].tokenizer.original_ids())

    batch, logits = _logits(made)

    real = (batch.source > 0).long()
    expected = theirs(order[batch.source], attention_mask=real).logits
    names = made.prepared.labels["target"]
    assert names == ("glad", "mad", "sad")
    torch.testing.assert_close(logits, expected[:, [MOODS.index(n) for n in names]], atol=1e-5, rtol=0)
    assert made.pretrained["model.head"]["left_over"] == made.pretrained["model.encoder"]["left_over"] == []


@torch.no_grad()
def test_a_word_s_tag_is_the_folder_s(tmp_path):
    theirs = _save_bert(tmp_path / "model", "BertForTokenClassification", TAGGED)
    words = [text.split() for text in folders.TEXTS[:6]]
    lines = [
        "\n".join(f"{w} {TAGGED[(i + n) % 3]}" for i, w in enumerate(row)) for n, row in enumerate(words)
    ]
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("\n\n".join(lines) + "\n")
    made = assemble(compile(_made(tmp_path, TAGS, "span_f1")), splits=("train",), initial=True)
    order = torch.tensor(made.prepared.parts.text["source"].tokenizer.original_ids())

    batch, logits = _logits(made)

    states = theirs(order[batch.source], attention_mask=(batch.source > 0).long()).logits
    starts = batch.fields["word_starts"]
    for row, count in enumerate(starts.lengths.tolist()):
        expected = states[row, starts.values[row, :count]].log_softmax(-1)
        pieces = made.prepared.parts.text["target"].tokenizer.pieces(range(4, 7))
        ours = logits[row, :count].log_softmax(-1)[:, 4:]
        torch.testing.assert_close(ours, expected[:, [TAGGED.index(p) for p in pieces]], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["Wav2Vec2", "WavLM"])
@torch.no_grad()
def test_a_recording_s_class_is_the_folder_s_and_goes_out(kind, tmp_path):
    digits = [str(n) for n in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)]
    config = getattr(transformers, f"{kind}Config")(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, conv_dim=[8, 8, 10],
        conv_kernel=[10, 8, 8], conv_stride=[8, 8, 5], num_conv_pos_embeddings=16, initializer_range=0.3,
        num_conv_pos_embedding_groups=4, classifier_proj_size=12, feat_extract_norm="layer", conv_bias=True,
        do_stable_layer_norm=True, **_named(digits),
    )  # fmt: skip
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True, sampling_rate=8_000).save_pretrained(
        tmp_path / "model"
    )
    cls = getattr(transformers, f"{kind}ForSequenceClassification")
    theirs = folders._saved(cls, config, tmp_path / "model")
    made = assemble(compile(_made(tmp_path, SOUND, "accuracy")), splits=("train",), initial=True)

    batch, logits = _logits(made)

    names = made.prepared.labels["target"]
    for row, length in enumerate(batch.source_lengths.tolist()):
        expected = theirs(batch.source[row : row + 1, :length, 0]).logits[0]
        torch.testing.assert_close(logits[row], expected[[digits.index(n) for n in names]], atol=1e-5, rtol=0)
    write_encoder(made.program, made.prepared, tmp_path / "out", labels=made.prepared.labels)
    assert compare_encoder(made.program, made.prepared, tmp_path / "out") < 1e-5
    again = cls.from_pretrained(tmp_path / "out")
    assert again.config.id2label == dict(enumerate(names))
    heard = transformers.AutoFeatureExtractor.from_pretrained(tmp_path / "out")
    assert (heard.sampling_rate, heard.do_normalize) == (8_000, True)


@torch.no_grad()
def test_an_image_s_class_goes_by_number_where_the_folder_names_none(tmp_path):
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=4, intermediate_size=24, image_size=28,
        patch_size=7, num_channels=1, initializer_range=0.3, num_labels=10,
    )  # fmt: skip
    theirs = folders._saved(transformers.ViTForImageClassification, config, tmp_path / "model")
    made = assemble(compile(_made(tmp_path, IMAGES, "accuracy")), splits=("train",), initial=True)

    batch, logits = _logits(made)

    torch.testing.assert_close(logits, theirs(pixel_values=batch.source).logits, atol=1e-5, rtol=0)


def test_a_run_answers_as_the_folder_does_without_it(moods, tmp_path):
    spec, made, _ = moods
    for name in ("a.csv", "b.csv"):
        shutil.copy(spec.with_name(name), tmp_path / name)
    shutil.copytree(spec.with_name("model"), tmp_path / "model")
    (tmp_path / "spec.yaml").write_text(spec.read_text().replace(str(spec.parent), str(tmp_path)))
    done = run(compile(tmp_path / "spec.yaml"), runs=tmp_path / "runs", launch=Launch(quiet=True, threads=1))
    shutil.rmtree(tmp_path / "model")

    answers = open_run(done.folder.path).predict(folders.TEXTS[:4])

    names = made.prepared.labels["target"]
    best = [names[row] for row in _logits(made)[1].argmax(-1).tolist()]
    assert [answer.hypotheses[0].text for answer in answers] == best


def test_a_classifier_that_goes_out_is_read_again(moods, tmp_path):
    spec, made, _ = moods

    write_encoder(made.program, made.prepared, tmp_path / "out", labels=made.prepared.labels)

    held = str(spec.with_name("model"))
    (tmp_path / "spec.yaml").write_text(spec.read_text().replace(held, str(tmp_path / "out")))
    again = assemble(compile(tmp_path / "spec.yaml"), splits=("train",), initial=True)
    torch.testing.assert_close(_logits(again)[1], _logits(made)[1])


@pytest.fixture
def broken(moods, tmp_path):
    """The spec with a copy of its folder, to be broken."""
    spec, _, _ = moods
    shutil.copytree(spec.with_name("model"), tmp_path / "model")
    (tmp_path / "spec.yaml").write_text(
        spec.read_text().replace(str(spec.with_name("model")), str(tmp_path / "model"))
    )
    return tmp_path


def _said(place, **change):
    settings = json.loads((place / "model" / "config.json").read_text())
    (place / "model" / "config.json").write_text(json.dumps({**settings, **change}))
    with pytest.raises((DataError, SpecError)) as raised:
        assemble(compile(place / "spec.yaml"), splits=("train",), initial=True)
    error = raised.value
    (found,) = error.diagnostics if isinstance(error, SpecError) else (error,)
    return found.code, found.message


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["sad", "happy", "mad"], "the folder lacks `glad`; the corpus lacks `happy`"),
        (
            ["sad", "glad"],
            "`id2label` of the folder's config.json names 2 classes, and its classifier has 3 rows",
        ),
        (["sad", "sad", "mad"], "gives two classes one name"),
    ],
)
def test_labels_that_do_not_fit_are_told(broken, names, said):
    code, message = _said(broken, **_named(names))

    assert (code, said in message) == ("SQ407", True)


def test_a_folder_of_another_kind_is_told(broken):
    assert _said(broken, model_type="gpt2")[0] == "SQ271"


def test_a_folder_without_a_classifier_is_told(moods, tmp_path):
    spec, _, _ = moods
    text, place = spec.read_text(), spec.with_name("model")
    bare = transformers.BertModel.from_pretrained(place)
    shutil.copytree(place, tmp_path / "model")
    bare.save_pretrained(tmp_path / "model")
    (tmp_path / "bare.yaml").write_text(text.replace(str(place), str(tmp_path / "model")))
    (tmp_path / "none.yaml").write_text(text.replace(f'pretrained, from: "{place}"', "pretrained"))

    with pytest.raises(SpecError, match="classifier has 0 rows"):
        compile(tmp_path / "bare.yaml")
    with pytest.raises(SpecError, match="none is named"):
        compile(tmp_path / "none.yaml")


def test_states_that_are_not_projected_have_no_place_in_a_folder_of_sound(tmp_path):
    text = SOUND.replace('encoder: {{type: wav2vec2, from: "{folder}"}}', "encoder: {{type: wav2vec2, num_layers: 1, "
                         "dim: 16, num_heads: 2, feed_forward_dim: 16, feature_dims: [8], feature_kernels: [10], "
                         "feature_strides: [320], position_kernel: 4, position_groups: 2}}")  # fmt: skip
    text = text.replace('  pooler: {{type: projected_mean, from: "{folder}"}}\n', "").replace(
        '{{type: pretrained, from: "{folder}"}}', "linear"
    )
    made = assemble(compile(_made(tmp_path, text, "accuracy")), splits=("train",), initial=True)

    with pytest.raises(RunError, match="projects states before it pools them"):
        write_encoder(made.program, made.prepared, tmp_path / "out", labels=made.prepared.labels)

import csv
import json
import shutil

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.runtime.api import open_run
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.export.export import Request, export
from seqspec.runtime.export.hf_encoder import write_encoder
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, RunError, SpecError
from tests.runtime.pretrained import folders

transformers = pytest.importorskip("transformers")
pytest.importorskip("fugashi")
pytest.importorskip("unidic_lite")

SPEC = """
seqspec: 1
name: reviews
data:
  source: {{type: csv, root: "{corpus}", source: {{text: text, language: ja}}, target: {{label: mood}}, splits: {{train: a.csv, dev: b.csv}}}}
  text:
    source:
      normalize: [nfkc]
      segment: {{type: mecab, dictionary: unidic-lite}}
      tokenizer: {{type: hf, from: "{folder}", template: true}}
  batch: {{unit: examples, size: 4}}
model: {{type: classifier, encoder: {{type: bert, from: "{folder}"{more}}}}}
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [accuracy]}}
"""


def write_reviews(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(text, f"m{i % 2}") for i, text in enumerate(folders.JAPANESE * 2)]
    for name in ("a.csv", "b.csv"):
        with open(folder / name, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "mood"), *rows])
    return folder


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    place = tmp_path_factory.mktemp("bert")
    theirs = folders.save_bert(place / "model", cls="BertForPreTraining")
    spec = place / "spec.yaml"
    corpus = write_reviews(place / "corpus")
    spec.write_text(SPEC.format(corpus=corpus, folder=place / "model", more=""))
    return spec, assemble(compile(spec), splits=("train",), initial=True), theirs


@torch.no_grad()
def test_states_and_pieces_equal_those_of_transformers(read):
    spec, made, theirs = read
    tokenizer = transformers.AutoTokenizer.from_pretrained(spec.with_name("model"))
    steps = made.prepared.parts.text["source"]
    order = steps.tokenizer.original_ids()
    for text in folders.JAPANESE:
        ids = steps.encode_batch([text])[0]

        states, _ = made.program.model.encoder.eval()(torch.tensor([ids]), torch.tensor([len(ids)]))

        expected = tokenizer(text, return_tensors="pt")
        assert [order[id] for id in ids] == expected["input_ids"][0].tolist()
        torch.testing.assert_close(states, theirs.bert(**expected).last_hidden_state, atol=1e-5, rtol=0)
    assert states.abs().max() > 1


@torch.no_grad()
def test_what_follows_the_first_end_is_the_second_sentence(read):
    _, made, theirs = read
    ids = torch.tensor([[2, 8, 9, 3, 10, 11, 3]])
    types = torch.tensor([[0, 0, 0, 0, 1, 1, 1]])
    order = torch.tensor(made.prepared.parts.text["source"].tokenizer.original_ids())

    states, _ = made.program.model.encoder.eval()(ids, torch.tensor([7]))

    expected = theirs.bert(order[ids], token_type_ids=types).last_hidden_state
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_pooled_vector_equals_that_of_transformers(read, tmp_path):
    spec, _, theirs = read
    corpus, folder = spec.with_name("corpus"), spec.with_name("model")
    (tmp_path / "spec.yaml").write_text(SPEC.format(corpus=corpus, folder=folder, more=", pooler: true"))
    made = assemble(compile(tmp_path / "spec.yaml"), splits=("train",), initial=True)
    ids = torch.tensor([[2, 8, 9, 10, 3], [2, 12, 3, 0, 0]])
    order = torch.tensor(made.prepared.parts.text["source"].tokenizer.original_ids())

    vector, lengths = made.program.model.encoder.eval()(ids, torch.tensor([5, 3]))

    expected = theirs.bert(order[ids], attention_mask=(ids > 0).long()).pooler_output
    assert lengths is None
    torch.testing.assert_close(vector, expected, atol=1e-5, rtol=0)
    assert made.pretrained["model.encoder"]["fresh"] == []


def test_what_belongs_to_other_heads_is_left_over(read):
    _, made, _ = read

    left = made.pretrained["model.encoder"]["left_over"]

    assert {name.split(".")[0] for name in left} == {"cls", "bert"}
    assert [name for name in left if name.startswith("bert.")] == [
        "bert.pooler.dense.bias", "bert.pooler.dense.weight",
    ]  # fmt: skip


def mistakes(spec, tmp_path, *changes, folder=None):
    text = spec.read_text()
    if folder is not None:
        text = text.replace(str(spec.with_name("model")), str(folder))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "changed.yaml").write_text(text)
    try:
        compile(tmp_path / "changed.yaml")
    except SpecError as error:
        return [(d.code, d.message) for d in error.diagnostics]
    return []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("segment: {type: mecab, dictionary: unidic-lite}", "segment: null")], "no segmenter stands before"),
        ([("dictionary: unidic-lite", "dictionary: ipadic")], "here they are `ipadic`'s"),
        ([("normalize: [nfkc]", "normalize: [nfc]")], "found in text in NFKC"),
        ([("type: mecab, dictionary: unidic-lite", "type: sudachi, dictionary: core, mode: C")], "`sudachi` stands"),
    ],
)  # fmt: skip
def test_other_words_than_the_folder_s_are_told(read, tmp_path, changes, said):
    found = mistakes(read[0], tmp_path, *changes)

    assert [code for code, _ in found] == ["SQ350"]
    assert said in found[0][1]


@pytest.mark.parametrize(
    ("file", "change", "code", "said"),
    [
        (
            "tokenizer_config.json",
            {"word_tokenizer_type": None},
            "SQ350",
            "does not say what finds its words",
        ),
        ("config.json", {"model_type": "roberta"}, "SQ271", "type `roberta`"),
        ("config.json", {"is_decoder": True}, "SQ200", "holds a decoder"),
        ("config.json", {"position_embedding_type": "relative_key"}, "SQ272", "position_embedding_type"),
        ("config.json", {"num_hidden_layers": 3}, "SQ273", "it lacks `bert.encoder.layer.2"),
    ],
)
def test_a_folder_of_another_kind_is_told(read, tmp_path, file, change, code, said):
    folder = tmp_path / "model"
    shutil.copytree(read[0].with_name("model"), folder)
    held = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**held, **change}))

    found = mistakes(read[0], tmp_path, folder=folder)

    assert [one for one, _ in found] == [code]
    assert said in found[0][1]


def test_a_vocabulary_without_its_settings_is_refused(read, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(read[0].with_name("model"), folder)
    (folder / "tokenizer_config.json").unlink()

    found = mistakes(read[0], tmp_path, folder=folder)

    assert [code for code, _ in found] == ["SQ450"]
    assert "has no tokenizer.json" in found[0][1]


def test_a_vocabulary_that_is_not_the_folder_s_is_told(read, tmp_path):
    spec, *_ = read
    text = spec.read_text()
    start = text.index("{type: hf")
    end = text.index("}", start) + 1
    (tmp_path / "spec.yaml").write_text(text[:start] + "characters" + text[end:])

    with pytest.raises(DataError, match="belong to the token ids of its folder") as raised:
        assemble(compile(tmp_path / "spec.yaml"), splits=("train",), initial=True)

    assert raised.value.code == "SQ451"


def test_an_adaptation_of_a_part_without_linear_layers_is_told(read, tmp_path):
    adapt = "adapt: {type: lora, parts: [model.encoder.embedding], rank: 2}\noptimizer:"

    (tmp_path / "spec.yaml").write_text(read[0].read_text().replace("optimizer:", adapt))

    with pytest.raises((SpecError, RunError, DataError), match="linear"):
        assemble(compile(tmp_path / "spec.yaml"), splits=("train",), initial=True)


def test_a_pickle_is_refused(read, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(read[0].with_name("model"), folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    assert [code for code, _ in mistakes(read[0], tmp_path, folder=folder)] == ["SQ274"]


def test_half_a_download_is_told(read, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(read[0].with_name("model"), folder)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-40])

    assert [code for code, _ in mistakes(read[0], tmp_path, folder=folder)] == ["SQ272"]


def test_a_classifier_goes_out_and_answers_alike(read, tmp_path):
    spec, *_ = read
    corpus, folder = spec.with_name("corpus"), spec.with_name("model")
    (tmp_path / "spec.yaml").write_text(SPEC.format(corpus=corpus, folder=folder, more=", pooler: true"))
    done = run(compile(tmp_path / "spec.yaml"), runs=tmp_path / "runs", launch=Launch(quiet=True, threads=1))

    found = export(Request(done.folder.path, "hf", output=tmp_path / "out"))

    assert [check.difference for check in found.checks] < [1e-5]
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert theirs.config.id2label == {0: "m0", 1: "m1"}
    answers = open_run(done.folder.path).predict(folders.JAPANESE)
    for text, answer in zip(folders.JAPANESE, answers, strict=True):
        logits = theirs(**tokenizer(text, return_tensors="pt")).logits[0]
        assert theirs.config.id2label[int(logits.argmax())] == answer.hypotheses[0].text


def test_an_encoder_that_fits_no_class_of_transformers_is_told(read, tmp_path):
    _, made, _ = read

    with pytest.raises(RunError, match="`classifier`") as raised:
        write_encoder(made.program, made.prepared, tmp_path / "out", labels={})

    assert "`BertModel`" in str(raised.value.help)

"""Tags of words: where words begin, what is learned, what is exported."""

import json

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.data.batching.batch import Batch, Field
from seqspec.data.text.word_places import WordPlaces
from seqspec.runtime.api import open_run
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, SpecError

SPEC = """
seqspec: 1
name: tags
data:
  source: {source}
  text: {{source: {{tokenizer: {pieces}}}, target: {{tokenizer: words}}}}
  batch: {{unit: examples, size: 8}}
model: {{type: token_classifier, encoder: {encoder}}}
optimizer: {{type: adamw, schedule: {{type: constant, peak: 5.0e-3}}}}
train: {{max_steps: 60, checkpoint_every_steps: 60}}
evaluate: {{splits: [dev], metrics: [span_f1]}}
"""
OWN = {
    "source": "{type: conll, root: unused, language: en, synthetic: 120}",
    "pieces": "characters",
    "encoder": "{type: transformer, num_layers: 1, dim: 32, num_heads: 2, dropout: 0.0, positions: rotary}",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("tags")
    (place / "spec.yaml").write_text(SPEC.format(**OWN))
    done = run(compile(place / "spec.yaml"), runs=place, launch=Launch(quiet=True, threads=1))
    return place / "spec.yaml", done


def test_names_are_found_from_scratch(trained):
    _, done = trained

    assert done.evaluated["dev"].metrics["span_f1"] > 0.9
    assert done.evaluated["dev"].details["span_f1"].keys() == {"LOC", "PER"}


def test_new_sentences_have_a_tag_a_word(trained):
    _, done = trained
    texts = ["Grace Hopper sees the cat in New York .", "Paris", ""]

    answers = [one.hypotheses[0].text for one in open_run(done.folder.path).predict(texts)]

    assert answers[0] == "B-PER I-PER O O O O B-LOC I-LOC O"
    assert [len(answer.split()) for answer in answers] == [9, 1, 0]


def test_padding_and_neighbours_change_no_tag(trained):
    spec, _ = trained
    made = assemble(compile(spec), splits=("train",), initial=True)
    model = made.program.model.eval()
    torch.manual_seed(1)
    ids = torch.randint(4, 20, (2, 9))
    ids[1, 5:] = 0
    starts = torch.tensor([[0, 3, 7], [0, 2, 0]])

    def batch(rows, size, words):
        fields = {
            "source": Field(ids[rows, :size], torch.tensor([9, 5])[rows]),
            "target": Field(torch.full((len(rows), words), 4), torch.tensor([3, 2])[rows]),
            "word_starts": Field(starts[rows, :words], torch.tensor([3, 2])[rows]),
        }
        return Batch(fields, torch.arange(len(rows)), 0, {"loss": 1.0})

    both, alone = model.decode(batch([0, 1], 9, 3)), model.decode(batch([1], 5, 2))

    assert both[1][0].ids == alone[0][0].ids
    assert both[1][0].score == pytest.approx(alone[0][0].score, abs=1e-5)
    torch.testing.assert_close(model.score(batch([0, 1], 9, 3))[1:], model.score(batch([1], 5, 2)))


class Pieces:
    """Cuts every three characters, and has no id for what lies behind the twelfth."""

    def offsets(self, text):
        return [(0, 0), *((i, min(i + 3, len(text))) for i in range(0, min(len(text), 12), 3))]


def test_a_word_begins_at_the_first_id_that_holds_any_of_it():
    places = WordPlaces(Pieces())

    assert places.encode_batch(["abcdef gh i", "  a b"]) == [[1, 3, 4], [1, 2]]


def test_a_word_without_an_id_is_told():
    with pytest.raises(DataError, match="the word 'last' has no id of its own"):
        WordPlaces(Pieces()).encode_batch(["abcdefghijklm last"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": "{type: bitext, root: unused, source_language: en, target_language: de, synthetic: 9}"},
         "does not say where they begin"),
        ({"encoder": "{type: strided_residual, dim: 8}"}, "needs a state of its own|reads"),
        ({"source": "{type: conll, root: unused, language: en, tag: 1, synthetic: 9}"}, "cannot hold the tag"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(tmp_path, changes, said):
    (tmp_path / "spec.yaml").write_text(SPEC.format(**{**OWN, **changes}))

    with pytest.raises(SpecError, match=said):
        compile(tmp_path / "spec.yaml")


def test_tags_of_a_bert_go_out_and_answer_alike(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("unidic_lite")
    from seqspec.runtime.export.export import Request, export
    from tests.runtime.pretrained import folders

    folders.save_bert(tmp_path / "model")
    rows = ["東京 B-LOC", "に O", "行く O", "", "私 B-PER", "は O", "英国 B-LOC", "タワー I-LOC", ""]
    (tmp_path / "corpus").mkdir()
    for name in ("train", "dev"):
        (tmp_path / "corpus" / f"{name}.txt").write_text("\n".join(rows * 2) + "\n", encoding="utf-8")
    text = SPEC.format(
        source=f'{{type: conll, root: "{tmp_path}/corpus", language: ja}}',
        pieces=f'{{type: hf, from: "{tmp_path}/model", template: true}}, normalize: [nfkc], '
        "segment: {type: mecab, dictionary: unidic-lite}",
        encoder=f'{{type: bert, from: "{tmp_path}/model"}}',
    ).replace("60", "2")
    (tmp_path / "spec.yaml").write_text(text)
    done = run(compile(tmp_path / "spec.yaml"), runs=tmp_path, launch=Launch(quiet=True, threads=1))

    found = export(Request(done.folder.path, "hf", output=tmp_path / "out"))

    assert [check.difference < 1e-5 for check in found.checks] == [True]
    names = json.loads((tmp_path / "out" / "config.json").read_text())["id2label"]
    assert set(names.values()) == {"<pad>", "<unk>", "<s>", "</s>", "B-LOC", "I-LOC", "B-PER", "O"}
    theirs = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    logits = theirs(**tokenizer("東京 に 行く", return_tensors="pt")).logits[0, 1:-1, 4:]
    (answer,) = open_run(done.folder.path).predict(["東京 に 行く"])
    assert [names[str(int(one) + 4)] for one in logits.argmax(-1)] == answer.hypotheses[0].text.split()

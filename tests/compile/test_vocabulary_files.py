"""A vocabulary that lies in a file here is compared with the spec before anything is prepared."""

import io
import os

import pytest
import sentencepiece

from seqspec.compile.analysis.with_data import missing_data
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.diagnostic import SpecError
from tests.compile.experiments import spec

CUTOFFS = {"type": "adaptive_softmax", "cutoffs": [40, 80]}


def change(tokenizer, **model):
    return {
        "data": {"text": {"target": {"tokenizer": tokenizer}}},
        "model": model,
        "loss": {"label_smoothing": 0.0},
    }


def mistakes(folder, tokenizer, **model):
    with pytest.raises(SpecError) as raised:
        compile_spec(spec(folder, change=change(tokenizer, **model)))
    return raised.value.diagnostics


@pytest.fixture
def words(tmp_path):
    """Sixty pieces and three special ones: 64 ids."""
    file = tmp_path / "vocab.txt"
    file.write_text("[PAD]\n[UNK]\n[SEP]\n" + "".join(f"w{n}\n" for n in range(60)), encoding="utf-8")
    return {"type": "wordpiece", "vocab": str(file)}


@pytest.fixture
def pieces(tmp_path):
    """A model of 60 pieces, three of them special: 61 ids, since padding is added."""
    model = io.BytesIO()
    text = (f"{chr(97 + n % 26)}{chr(97 + n * 7 % 26)} ho{n}" for n in range(400))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=text, model_writer=model, vocab_size=60, minloglevel=2, num_threads=1
    )
    file = tmp_path / "pieces.model"
    file.write_bytes(model.getvalue())
    return {"type": "sentencepiece_file", "model": str(file)}


@pytest.mark.parametrize(("kind", "size"), [("words", 64), ("pieces", 61)])
def test_a_file_that_contradicts_the_head_is_told(kind, size, request, tmp_path):
    [found] = mistakes(tmp_path, request.getfixturevalue(kind), head=CUTOFFS)

    assert found.code == "SQ200"
    assert found.message == f"the last cluster would begin at id 80 of a vocabulary of {size}"
    assert any(f"gives Tokens(vocab={size}) here" in label.text for label in found.labels)


def test_two_files_of_different_sizes_cannot_share_a_table(words, pieces, tmp_path):
    text = {"source": {"tokenizer": pieces}, "target": {"tokenizer": words}}
    with pytest.raises(SpecError) as raised:
        compile_spec(spec(tmp_path, change={"data": {"text": text}, "model": {"tie": "all"}}))

    assert "source vocabulary of 61 and a target vocabulary of 64" in raised.value.diagnostics[0].message


def test_a_file_that_fits_changes_nothing_in_the_plan(words, tmp_path):
    head = {"type": "adaptive_softmax", "cutoffs": [20, 40]}
    here = compile_spec(spec(tmp_path, change=change(words, head=head)))
    elsewhere = compile_spec(spec(tmp_path, change=change(words | {"vocab": "not/there"}, head=head)))

    assert here.plan.facts == elsewhere.plan.facts == ()
    assert [n.gives for n in here.plan.nodes] == [n.gives for n in elsewhere.plan.nodes]


@pytest.mark.parametrize("path", ["absent.txt", "", "pipe", "~nobody_of_this_name/x"])
def test_a_missing_file_is_the_matter_of_the_data(path, words, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    absent = words | {"vocab": path if path.startswith("~") else str(tmp_path / path)}
    file = spec(tmp_path, change=change(absent))
    sets = ("data.source.synthetic=4", f"data.source.root={tmp_path}")
    found = missing_data(compile_spec(file, overlays=[Overlay.set(text) for text in sets]))

    assert [(d.code, d.path) for d in found] == [("SQ431", ("data", "text", "target", "tokenizer", "vocab"))]
    assert found[0].help


@pytest.mark.parametrize("text", [b"\xff\xfe", b"a\nb\na\n"], ids=["not UTF-8", "twice"])
def test_a_file_that_is_no_vocabulary_is_one_mistake(text, tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_bytes(text)
    [found] = mistakes(tmp_path, {"type": "wordpiece", "vocab": str(file)}, head=CUTOFFS)

    assert (found.code, found.path) == ("SQ431", ("data", "text", "target", "tokenizer", "vocab"))


@pytest.mark.parametrize(
    "path", ["a\\0b", "~nobody_of_this_name/x", "${env:NOT_SET_ANYWHERE}/x", "/dev/zero"]
)
def test_paths_that_lead_nowhere_are_left_to_the_preparation(path, tmp_path):
    tokenizer = {"type": "wordpiece", "vocab": path}

    assert compile_spec(spec(tmp_path, change=change(tokenizer))).warnings == ()

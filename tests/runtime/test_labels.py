"""Corpora with labels train, are evaluated by name, and answer new inputs with names."""

import io
import json
from functools import partial
from pathlib import Path

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_text import generator
from seqspec.data.corpus.images import write_image
from seqspec.runtime.assembly.assemble import assemble, compile_run
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.doctor import isolation
from seqspec.runtime.doctor.subject import Patient
from seqspec.runtime.evaluation.evaluate import evaluate
from seqspec.runtime.prediction.predict import predict
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, RunError

SPECS = Path(__file__).parents[2] / "specs"
LAUNCH = Launch(quiet=True, threads=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Each spec's tiny profile, shortened, once."""
    root = tmp_path_factory.mktemp("labels")
    done = {}

    def of(name, *sets):
        if name not in done:
            overlays = [Overlay.profile("tiny"), *map(Overlay.set, sets)]
            compiled = compile_spec(SPECS / f"{name}.yaml", overlays=overlays)
            done[name] = run(compiled, runs=root / "runs", launch=LAUNCH)
        return done[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(root / "cache"))
        yield of


def digits(trained):
    sets = ("data.source.synthetic=200", "train.max_steps=25", "train.checkpoint_every_steps=25")
    return trained("image_mnist_lenet5", *sets)


def pairs(trained):
    sets = (
        "data.source.synthetic=60",
        "train.max_steps=2",
        "model.encoder.dim=8",
        "model.encoder.num_layers=1",
    )
    return trained("nli_snli", *sets)


def test_pictures_are_learned_and_judged_by_label(trained):
    result = digits(trained)

    scored = result.evaluated["dev"]
    lines = [json.loads(line) for line in (result.folder.predictions / "dev.jsonl").read_text().splitlines()]
    right = sum(line["reference"] == line["hypothesis"] for line in lines)
    assert scored.metrics["accuracy"] == right / len(lines) > 0.6
    assert scored.metrics["error"] == pytest.approx(1 - right / len(lines))
    assert {line["hypothesis"] for line in lines} <= set("0123456789")
    assert all(line["score"] <= 0 for line in lines)


def test_another_split_is_judged_afterwards(trained):
    folder = digits(trained).folder

    scored = evaluate(folder.path, split="test", checkpoint="last", over=(), launch=LAUNCH)

    assert scored.metrics["accuracy"] > 0.6
    assert [one.index for one in scored.found] == list(range(len(scored.found)))
    assert "metric:accuracy" in scored.signatures["accuracy"]


def test_pictures_in_files_are_answered(trained, tmp_path):
    result = digits(trained)
    rng = generator("held out")
    files = []
    for label in range(10):
        files.append(str(tmp_path / f"{label}.png"))
        write_image(Path(files[-1]), image(label, rng, channels=1, height=28, width=28))
    wide = tmp_path / "wide.png"
    write_image(wide, image(0, rng, channels=1, height=28, width=30))
    out = io.StringIO()

    ask = partial(predict, result.folder.path, checkpoint="last", over=(), launch=LAUNCH, out=out,
                  nbest=1, scores=False, format="text", engine="torch")  # fmt: skip
    ask(inputs=files)

    answers = out.getvalue().split("\n")[:-1]
    assert len(answers) == 10
    assert sum(answer == str(label) for label, answer in enumerate(answers)) > 5
    with pytest.raises(DataError, match="28 × 30, not 28 × 28"):
        ask(inputs=[str(wide)])
    with pytest.raises(DataError, match="there is no file"):
        ask(inputs=[str(tmp_path / "none.png")])
    with pytest.raises(RunError, match="reads images: name the files"):
        ask(inputs=[])


def test_the_doctor_finds_pictures_isolated_and_without_padding(trained):
    program = compile_run(digits(trained).folder)
    assembled = assemble(program, splits=("train",))

    found = list(isolation.check(Patient(assembled.program, assembled.prepared, None)))

    told = [(one.check, one.verdict) for one in found]
    assert told == [("M06", "ok"), ("M06", "ok"), ("M12", "info"), ("M07", "info")]


def test_texts_are_answered_by_the_names_of_labels(trained, tmp_path):
    result = pairs(trained)
    file = tmp_path / "pairs.txt"
    file.write_text("the dog saw the cat . ||| the dog saw the cat .\nthe king ||| a fish\n")
    out = io.StringIO()

    predict(result.folder.path, inputs=[str(file)], checkpoint="last", over=(), launch=LAUNCH, out=out,
            nbest=5, scores=False, format="json", engine="torch")  # fmt: skip

    answers = [json.loads(line)["hypotheses"] for line in out.getvalue().splitlines()]
    assert [{one["text"] for one in answer} for answer in answers] == [{"same", "different"}] * 2
    assert [sum(2.718281828 ** one["score"] for one in answer) for answer in answers] == pytest.approx([1, 1])


TABLE = """
seqspec: 1
name: images
data:
  source:
    type: tsv
    synthetic: 24
    splits: {train: train.tsv}
    source: {image: file, height: 8, width: 8, resize: true}
    target: {label: kind}
  batch: {unit: examples, size: 8}
model:
  type: classifier
  encoder: {type: lenet, channels: [2], kernel: 3, dim: 4}
train: {max_steps: 1, checkpoint_every_steps: 1}
evaluate: {splits: []}
"""


def test_pictures_of_a_table_are_scaled_when_labelled_as_they_were_in_training(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    spec, file = tmp_path / "pictures.yaml", tmp_path / "large.png"
    spec.write_text(TABLE)
    write_image(file, image(1, generator("test", 1), channels=3, height=20, width=16))
    result = run(compile_spec(spec), runs=tmp_path / "runs", launch=LAUNCH)
    out = io.StringIO()

    predict(result.folder.path, inputs=[str(file)], checkpoint="last", over=(), launch=LAUNCH, out=out,
            nbest=1, scores=False, format="text", engine="torch")  # fmt: skip

    assert out.getvalue().strip().startswith("verb")

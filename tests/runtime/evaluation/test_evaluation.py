"""A finished run is evaluated with what it has learned, and nothing of it is written over."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.checkpoints.selection import choose, write_average
from seqspec.runtime.commands import runs as commands
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.evaluate import evaluate, evaluation
from seqspec.runtime.reproduce import from_lock
from seqspec.runtime.reproducibility.lock import read_lock
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.folder import require_place
from seqspec.schema.diagnostic import DataError, Exit, RunError

LAUNCH = Launch(quiet=True, threads=1)
SPEC = """
seqspec: 1
name: reviews
data:
  source:
    type: csv
    root: ROOT
    splits: {train: train.csv, dev: dev.csv}
    source: {text: text, language: en}
    target: {label: label}
  text: {source: {tokenizer: characters}}
  batch: {unit: examples, size: 4}
model: {type: classifier, encoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}}
loss: {type: cross_entropy, class_weights: balanced}
optimizer: {type: adam, schedule: constant}
train: {max_steps: 500, checkpoint_every_steps: 2}
evaluate: {every_steps: 100, metrics: [accuracy]}
"""
ROWS = [
    (f"{word} film number {n}", label) for n in range(6) for word, label in (("good", "pos"), ("bad", "neg"))
]


def table(path, rows):
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of four steps, by ``--set``, over a table."""
    root = tmp_path_factory.mktemp("evaluation")
    table(root / "train.csv", ROWS)
    table(root / "dev.csv", ROWS[:5])
    spec = root / "reviews.yaml"
    spec.write_text(SPEC.replace("ROOT", json.dumps(str(root))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(root / "cache"))
        compiled = compile_spec(spec, overlays=[Overlay.set("train.max_steps=4")])
        yield run(compiled, runs=root / "runs", launch=LAUNCH).folder


@pytest.fixture
def corpus(trained, tmp_path):
    """A copy of the corpus that a test may change, and the overlay that names it."""
    folder = trained.path.parents[2]
    for name in ("train.csv", "dev.csv"):
        shutil.copy(folder / name, tmp_path / name)
    return tmp_path, [Overlay.set(f"data.source.root={json.dumps(str(tmp_path))}")]


def score(folder, *, over=(), checkpoint="best"):
    return evaluation(folder.path, split="dev", checkpoint=checkpoint, over=over, launch=LAUNCH)


@pytest.mark.parametrize("rows", [[], ROWS[:3], [("ZZZ QQQ", "pos")] * 9, [("new", "third")] * 4, None])
def test_the_training_file_no_longer_matters(trained, corpus, rows):
    folder, over = corpus
    (folder / "train.csv").unlink() if rows is None else table(folder / "train.csv", rows)

    found = score(trained, over=over)

    assert found.scored.metrics == score(trained).scored.metrics
    assert found.drifts == ()


def test_other_data_are_named_and_kept_apart(trained, corpus):
    folder, over = corpus
    table(folder / "dev.csv", ROWS[:3])
    own = (trained.predictions / "dev.jsonl").read_bytes()

    found = score(trained, over=over)
    written = found.save(trained)

    assert [drift.name for drift in found.drifts] == ["files.dev.dev.csv"]
    assert (trained.predictions / "dev.jsonl").read_bytes() == own
    assert {path.name.split(".data-")[0] for path in written} == {"dev"}
    assert all(path.name != "dev.jsonl" for path in written)


def test_the_runs_own_evaluation_keeps_its_name_and_others_have_theirs(trained):
    assert score(trained).name(trained) == "dev"
    assert score(trained, checkpoint="average").name(trained) == "dev.average-2-to-step-00000004"
    other = score(trained, over=[Overlay.set("evaluate.metrics=[error]")])
    assert other.name(trained) == f"dev.spec-{other.plan_digest[:8]}"


def test_labels_baseline_and_probabilities_stand_beside_the_score(trained):
    metrics = "evaluate.metrics=[accuracy, f1, {type: f1, average: micro}, auc, ece]"

    told = score(trained, over=[Overlay.set(metrics)]).as_json()

    assert {"accuracy", "f1_macro", "f1_micro", "auc", "ece"} <= set(told["metrics"])
    assert told["baselines"]["majority"]["accuracy"] == 0.4  # `neg` is first of two equals: 2 of 5
    assert told["baselines"]["majority"]["auc"] == 0.5
    assert told["details"]["labels"]["confusion"]["labels"] == ["neg", "pos"]
    assert sum(map(sum, told["details"]["labels"]["confusion"]["counts"])) == 5
    assert set(told["details"]["auc"]["labels"]) == {"neg", "pos"}
    assert sum(one["examples"] for one in told["details"]["ece"]["bins"]) == 5


def test_json_says_the_step(trained, capsys):
    outcome = commands.evaluate(
        trained.path, split="dev", checkpoint="best", over=(), launch=LAUNCH, format="json"
    )

    found = json.loads(capsys.readouterr().out)
    assert outcome.exit == Exit.CLEAN
    assert found["checkpoint"] == "best"
    assert found["weights"] == f"step-{found['step']:08d}"


@pytest.mark.parametrize(("code", "exit"), [(errno.EROFS, Exit.CLEAN), (errno.ENOSPC, Exit.STORAGE)])
def test_the_score_is_printed_where_nothing_can_be_kept(trained, capsys, monkeypatch, code, exit):
    def refuse(path, data):
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr("seqspec.runtime.evaluation.run_evaluation.write_durably", refuse)

    outcome = commands.evaluate(
        trained.path, split="dev", checkpoint="best", over=(), launch=LAUNCH, format="text"
    )

    assert "accuracy" in capsys.readouterr().out
    assert os.strerror(code) in outcome.error
    assert "--output" in outcome.error
    assert outcome.exit == exit


def test_a_written_average_is_used(trained, tmp_path):
    file = tmp_path / "mean.safetensors"
    steps = write_average(trained.path, output=file, last=2)

    found = choose(trained.checkpoints, str(file))

    assert found.steps == tuple(steps)
    mean = choose(trained.checkpoints, "average:2").checkpoint.tensors["weights"]
    assert all(found.checkpoint.tensors["weights"][name].equal(mean[name]) for name in mean)
    assert score(trained, checkpoint=str(file)).scored.metrics == (
        score(trained, checkpoint="average:2").scored.metrics
    )


def test_a_file_that_is_no_average_is_told(trained, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"no tensors")
    for name in ("a.safetensors", "b.safetensors"):
        with pytest.raises(RunError, match=name):
            choose(trained.checkpoints, str(tmp_path / name))


def test_weights_of_another_model_are_told(trained):
    with pytest.raises(RunError, match="does not fit"):
        score(trained, over=[Overlay.set("model.encoder.dim=16")])


def test_the_runs_own_spec_says_what_the_rules_were_lenient_about(trained):
    compiled = compile_spec(trained.spec)

    assert [(d.code, d.severity) for d in compiled.warnings] == [("SQ215", "warning")]
    granted = compiled.plan.experiment.lenient
    assert granted is not None
    assert granted[0].where == {"evaluate.every_steps": 100, "train.max_steps": 4}


def test_leniency_holds_for_the_values_it_was_granted_for(trained, tmp_path):
    changed = tmp_path / "spec.yaml"
    changed.write_text(trained.spec.read_text().replace("  max_steps: 4\n", "  max_steps: 5\n"))

    with pytest.raises(Exception, match="SQ215"):
        compile_spec(changed)


def test_a_lock_without_leniency_is_read_all_the_same(trained):
    lock = read_lock(trained.lock)
    digest = lock["digests"]["all"]
    del lock["spec"]["lenient"]

    assert from_lock(lock).plan.digests["all"] == digest


def test_evaluate_keeps_what_it_found_elsewhere(trained, tmp_path):
    written = score(trained).save(trained, output=tmp_path / "elsewhere")

    assert {path.parent for path in written} == {tmp_path / "elsewhere"}


def test_a_place_below_a_file_is_told_before_anything_is_done(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(RunError, match="cannot be written") as caught:
        require_place(tmp_path / "file" / "runs")

    assert caught.value.exit == Exit.STORAGE
    assert "--runs" in caught.value.help


def test_evaluate_gives_the_scores(trained):
    assert evaluate(trained.path, split="dev", checkpoint="last", over=(), launch=LAUNCH).metrics.keys() >= {
        "accuracy"
    }


def test_a_split_that_is_not_there_is_no_fault_of_the_spec(trained):
    with pytest.raises(DataError, match="no split that is called `deb`") as caught:
        evaluate(trained.path, split="deb", checkpoint="last", over=(), launch=LAUNCH)

    assert caught.value.help == "did you mean `dev`?   (it has `train`, `dev`)"


def test_a_mixture_is_judged_part_by_part(trained, corpus):
    """The whole hides that every error is of one part."""
    folder, _ = corpus
    table(folder / "dev.csv", [(text, {"pos": "neg", "neg": "pos"}[label]) for text, label in ROWS[:3]])
    own = {"type": "csv", "splits": {"train": "train.csv", "dev": "dev.csv"}}
    own |= {"source": {"text": "text", "language": "en"}, "target": {"label": "label"}}
    roots = {"right": trained.path.parents[2], "wrong": folder}
    parts = [{"name": name, "source": {**own, "root": str(root)}} for name, root in roots.items()]
    mixed = {"type": "mix", "parts": parts}

    scored = score(trained, over=[Overlay.set(f"data.source={json.dumps(mixed)}")]).scored

    wrong = {one.index for one in scored.found if one.index >= 5}
    assert len(wrong) == 3
    assert set(scored.parts) == {"right", "wrong"}
    alone = score(trained).scored.metrics["accuracy"]
    assert scored.parts["right"]["accuracy"] == alone
    assert scored.metrics["accuracy"] == (5 * alone + 3 * scored.parts["wrong"]["accuracy"]) / 8
    assert scored.parts["right"]["loss"] != scored.parts["wrong"]["loss"]


USE = """
import sys
from seqspec.cli import main
for words in (["predict", RUN], ["evaluate", RUN]):
    sys.argv = ["seqspec", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
heavy = ("lightning", "torch._dynamo", "torch._inductor", "rich", "sympy", "transformers", "pandas")
print([name for name in heavy if name in sys.modules], len(sys.modules) < 1700, file=sys.stderr)
"""


def test_using_a_run_loads_neither_the_trainer_nor_the_compiler_of_torch(trained):
    code = USE.replace("RUN", repr(str(trained.path)))

    told = subprocess.run(
        [sys.executable, "-c", code], input="good film\n", capture_output=True, text=True, check=True
    )

    assert told.stderr.splitlines()[-1] == "[] True"
    assert told.stdout.splitlines()[0] in ("pos", "neg")

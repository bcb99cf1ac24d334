"""Teachers in a run: compared with, recorded, never trained, and the same after a kill."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.commands import runs as commands
from seqspec.schema.diagnostic import Exit
from tests.runtime.run_folder.conftest import LAUNCH, Bench

SMALL = "model.encoder.dim=4"


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def big(bench):
    return bench.path("name=big")


def taught(run, *, soft="", hint="", more=""):
    """Settings of a student of a run, and of its own moving average."""
    return (
        "loss=null",
        "losses={nll: {type: cross_entropy, on: tokens, weight: 0.5}, "
        f"a_soft: {{type: distillation, teacher: big, temperature: 2.0{soft}}}, "
        f"hint: {{type: state_distillation, teacher: big, distance: cosine{hint}}}, "
        f"mean: {{type: distillation, teacher: slow, weight: 0.1}}{more}}}",
        f"teachers={{big: {{from: {run}}}, slow: {{ema: 0.5}}}}",
    )


@pytest.fixture(scope="module")
def student(bench, big):
    return bench.path("name=student", SMALL, *taught(big, hint=", teacher_dim: 8"))


def weights(run):
    return chosen(run / "checkpoints", "last").tensors["weights"]


def test_losses_are_written_down_and_the_targets_come_first(student):
    lines = [json.loads(line) for line in (student / "metrics.jsonl").read_text().splitlines()]
    line = [one for one in lines if one["event"] == "train"][-1]

    assert {"loss.nll", "loss.a_soft", "loss.hint", "loss.mean", "nll"} <= line.keys()
    assert line["loss.a_soft"] > 0
    assert 0 < line["loss.hint"] < 2
    assert [one for one in lines if one["event"] == "evaluate"][-1]["metrics"].keys() == {
        "perplexity",
        "loss",
    }


def test_the_lock_names_the_weights_of_the_teacher(student, big):
    lock = json.loads((student / "lock.json").read_text())

    assert lock["teachers"]["big"]["model"] == json.loads((big / "lock.json").read_text())["digests"]["model"]
    assert len(lock["teachers"]["big"]["weights"]) == 64
    assert lock["teachers"].keys() == {"big"}


def test_the_student_keeps_its_map_and_nothing_of_the_teacher(student):
    held = weights(student)

    assert held["loss_hint.map.weight"].shape == (8, 4)
    assert [name for name in held if "teacher" in name] == []
    assert all(8 not in t.shape or name.startswith("loss_hint") for name, t in held.items() if "norm" in name)


def test_the_average_follows_the_weights(student):
    tensors = chosen(student / "checkpoints", "last").tensors
    slow, live = tensors["teacher_slow"], tensors["weights"]

    assert slow.keys() == live.keys()
    assert any(not torch.equal(slow[name], live[name]) for name in live)


def test_a_run_that_was_cut_off_ends_in_the_same_bits(bench, student, tmp_path):
    run = shutil.copytree(student, tmp_path / "run")
    shutil.rmtree(run / "checkpoints" / "step-00000005")
    (run / "result.json").unlink()

    assert bench.resume(run).exit == 0

    ours, theirs = (chosen(at / "checkpoints", "last").tensors for at in (run, student))
    for group in ("weights", "optimizer", "teacher_slow"):
        assert all(torch.equal(ours[group][name], theirs[group][name]) for name in theirs[group])
    assert (run / "metrics.jsonl").read_bytes() == (student / "metrics.jsonl").read_bytes()


def test_another_teacher_in_its_place_is_a_drift(bench, student, tmp_path, big):
    run = shutil.copytree(student, tmp_path / "run")
    shutil.rmtree(run / "checkpoints" / "step-00000005")
    (run / "result.json").unlink()
    other = bench.path("name=other", "seed=5")

    outcome = bench.resume(run, f"teachers={{big: {{from: {other}}}, slow: {{ema: 0.5}}}}")

    assert outcome.exit == Exit.DRIFT
    assert "teachers.big.weights" in outcome.error


def test_a_run_is_evaluated_without_its_teacher(bench, big, tmp_path):
    teacher = shutil.copytree(big, tmp_path / "teacher")
    run = bench.path(*taught(teacher))
    shutil.rmtree(teacher)

    outcome = commands.evaluate(run, split="dev", checkpoint="best", over=(), launch=LAUNCH, format="text")
    assert outcome.exit == 0, outcome.error


def test_one_who_teaches_itself_teaches_nothing(bench, big):
    """The divergence of a model from itself is 0, and so is its gradient."""
    run = bench.path(
        f"initialize=[{{from: {big}}}]",
        "loss=null",
        "losses={nll: {type: cross_entropy, on: tokens, weight: 0.0}, soft: {type: distillation, teacher: big}}",
        f"teachers={{big: {{from: {big}}}}}",
        "optimizer.schedule={type: constant, peak: 1.0e-30}",
        "model.encoder.dropout=0.0",
    )
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]

    assert all(abs(one["loss.soft"]) < 1e-6 for one in lines if one["event"] == "train")


def test_another_vocabulary_is_told_with_both_places(bench, big):
    outcome = bench.run("data.text.shared.tokenizer=characters", *taught(big))

    assert outcome.exit == Exit.DATA
    assert "`teachers.big`" in outcome.error
    assert "another vocabulary than `data.text` here" in outcome.error
    assert str(big) in outcome.error


def test_states_of_another_width_ask_for_a_map(bench, big):
    outcome = bench.run(SMALL, *taught(big))

    assert outcome.exit == Exit.DATA
    assert "have 8 features, and `losses.hint` compares 4" in outcome.error
    assert "`losses.hint.teacher_dim` to 8" in outcome.error


def test_a_teacher_that_is_not_there_is_told_before_the_data(bench):
    outcome = bench.run(*taught("/nowhere/at/all"))

    assert outcome.exit == Exit.USAGE
    assert "`teachers.big`" in outcome.error


def test_what_a_teacher_answers_is_read_back_as_a_corpus(bench, big, tmp_path):
    for split in ("train", "dev"):
        output = tmp_path / f"{split}.tsv"
        told = commands.predict(
            big, inputs=[str(bench.folder / "corpus" / f"{split}.de")], checkpoint="best", nbest=1, scores=False,
            all_classes=False, column=None, engine="torch", over=(), launch=LAUNCH, format=None, output=output,
        )  # fmt: skip
        assert told.exit == 0, told.error
    source = (
        "data.source={type: tsv, splits: {train: train.tsv, dev: dev.tsv}, root: " + str(tmp_path) + ", "
        "source: {text: input, language: de}, target: {text: prediction, language: en}}"
    )

    outcome = bench.run(source, "data.on_error={drop: 0.5}")

    assert outcome.exit == 0, outcome.error


def test_explain_and_diff_show_the_weights_of_a_teacher(bench, student, big):
    from seqspec.compile.diff.initial_digests import initial_consequences, initial_text, teacher_digests
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.compile.resolve.overlay import Overlay

    recorded = json.loads((student / "lock.json").read_text())["teachers"]["big"]["weights"]
    plan, other = (
        compile_spec(
            bench.spec, overlays=[Overlay.set(one) for one in (SMALL, *taught(run, hint=", teacher_dim: 8"))]
        ).plan
        for run in (big, student)
    )

    assert teacher_digests(plan, bench.spec)["big"].weights == recorded
    assert teacher_digests(plan, student / "spec.yaml")["big"].weights == recorded
    assert f"sha256 {recorded[:12]}" in initial_text(plan, bench.spec)
    (found,) = initial_consequences((plan, bench.spec), (other, bench.spec))
    assert found.name == "teachers.big weights"


def test_posteriors_of_ctc_may_be_compared_too():
    from pathlib import Path

    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.compile.resolve.overlay import Overlay

    sets = (
        "loss=null",
        "losses={gold: ctc, soft: {type: distillation, teacher: slow, weight: 0.1}}",
        "teachers={slow: {ema: 0.9}}",
    )
    spec = Path(__file__).parents[2] / "specs" / "asr_librispeech_ctc.yaml"

    plan = compile_spec(spec, overlays=[Overlay.set(one) for one in sets]).plan

    assert [str(plan.outputs.main)] == [
        str(node.gives) for node in plan.nodes if node.path == ("losses", "soft")
    ]

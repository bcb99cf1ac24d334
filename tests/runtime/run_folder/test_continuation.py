"""More steps, a corpus that has moved, and what a run refuses to go on with."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.checkpoints.retention import steps_of
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.commands import runs as commands
from seqspec.runtime.reproducibility.lock import read_lock
from tests.runtime.run_folder.conftest import LAUNCH


def same(ours, theirs):
    assert (ours / "metrics.jsonl").read_bytes() == (theirs / "metrics.jsonl").read_bytes()
    assert steps_of(ours / "checkpoints") == steps_of(theirs / "checkpoints")
    for name in ("best", "last"):
        one, other = chosen(ours / "checkpoints", name), chosen(theirs / "checkpoints", name)
        assert one.step == other.step
        for file, held in other.tensors.items():
            for key, tensor in held.items():
                assert torch.equal(one.tensors[file][key], tensor), (file, key)


def test_more_steps_give_the_bits_of_a_run_that_was_planned_for_them(bench, copy):
    longer = bench.path("train.max_steps=9")

    outcome = bench.resume(copy, until=9)

    assert outcome.exit == 0, outcome.error
    same(copy, longer)
    ours, theirs = (read_lock(run / "lock.json") for run in (copy, longer))
    assert ours.pop("extended") == [{"from": 5, "until": 9}]
    assert ours["digests"] == theirs["digests"]
    assert (copy / "plan.txt").read_text() == (longer / "plan.txt").read_text()
    assert json.loads((copy / "result.json").read_text())["step"] == 9


def test_a_kill_between_lock_and_spec_is_made_good(bench, copy):
    before = (copy / "spec.yaml").read_bytes()
    bench.resume(copy, until=9)
    longer = (copy / "metrics.jsonl").read_bytes()
    (copy / "spec.yaml").write_bytes(before)

    outcome = bench.resume(copy)

    assert outcome.exit == 0, outcome.error
    assert (copy / "spec.yaml").read_bytes() != before
    assert (copy / "metrics.jsonl").read_bytes() == longer


@pytest.mark.parametrize(
    ("sets", "until", "words"),
    [
        ((), 4, "has taken 5 steps, and --until 4 is not beyond them"),
        (("train.max_steps=9",), None, "`train.max_steps` (5 → 9)"),
        (("optimizer.weight_decay=0.5",), None, "optimizer.weight_decay"),
    ],
)
def test_what_a_run_cannot_go_on_with_is_said(bench, copy, sets, until, words):
    outcome = bench.resume(copy, *sets, until=until)

    assert outcome.exit == 2
    assert words in outcome.error


def test_the_way_to_more_steps_is_named(bench, copy):
    outcome = bench.resume(copy, "train.max_steps=9")

    assert f"`seqspec run --resume {copy} --until 9`" in outcome.error


def test_a_schedule_that_follows_the_length_is_refused_with_another_way(bench):
    schedule = '{type: cosine, peak: 0.01, decay_end: "${train.max_steps}"}'
    run = bench.path(f"optimizer.schedule={schedule}", "name=cosine")
    spec = (run / "spec.yaml").read_text().replace("decay_end: 5", "decay_end: ${train.max_steps}")
    (run / "spec.yaml").write_text(spec)

    outcome = bench.resume(run, until=9)

    assert outcome.exit == 2
    assert "the schedule is shaped by `train.max_steps`: at step 1" in outcome.error
    assert "initialize=[{from: " in outcome.error


def test_a_schedule_that_has_come_to_nothing_is_refused(bench):
    run = bench.path("optimizer.schedule={type: linear, peak: 0.01, decay_end: 5}", "name=linear")

    outcome = bench.resume(run, until=9)

    assert outcome.exit == 2
    assert "the learning rate is 0 from step 6 on" in outcome.error


def test_a_run_that_stopped_early_is_not_made_longer(bench):
    run = bench.path("evaluate.stop={after: 1, min_delta: 1000000.0}", "name=stopped", "train.max_steps=20")

    outcome = bench.resume(run, until=30)

    assert outcome.exit == 2
    assert "`evaluate.stop`" in outcome.error


def test_a_run_whose_corpus_has_moved_goes_on(bench, finished, halfway, tmp_path):
    shutil.copytree(bench.folder / "corpus", tmp_path / "moved")
    lost = bench.resume(halfway, f"data.source.root={tmp_path / 'nowhere'}")
    assert lost.exit == 3
    assert "--set data.source.root=FOLDER" in lost.error

    outcome = bench.resume(halfway, f"data.source.root={tmp_path / 'moved'}")

    assert outcome.exit == 0, outcome.error
    same(halfway, finished)
    assert str(tmp_path / "moved") in (halfway / "spec.yaml").read_text()


def test_until_is_for_a_run_that_goes_on(bench):
    outcome = bench.run(until=9)

    assert outcome.exit == 2
    assert "--set train.max_steps" in outcome.error


def test_a_run_whose_corpus_has_moved_is_reproduced(bench, finished, tmp_path):
    shutil.copytree(bench.folder / "corpus", tmp_path / "moved")

    def again(*sets):
        return commands.reproduce(
            finished, runs=tmp_path, launch=LAUNCH, command=(), over=tuple(map(Overlay.set, sets))
        )

    assert again(f"data.source.root={tmp_path / 'moved'}").out.startswith("the same to the bit")
    assert "`seed` (1 → 2)" in again("seed=2").error

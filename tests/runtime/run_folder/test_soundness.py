"""Run directories that have lost something, or that come from a stranger: each its own message, and no file
outside is touched.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import signal
from dataclasses import replace

import pytest
import torch

from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.assembly.assemble import reopen
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint, write_checkpoint
from seqspec.runtime.commands import runs as commands
from seqspec.runtime.run_folder.documents import require_labels
from seqspec.runtime.run_folder.folder import RunFolder, open_folder, starting_folder, sweep_starting
from seqspec.runtime.run_folder.run_owner import owned
from seqspec.runtime.run_folder.soundness import sweep_temporary
from seqspec.runtime.training.training_module import Training
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.types import Classes, Unknown
from tests.runtime.run_folder.conftest import LAUNCH


def refused(outcome, words, code=Exit.STORAGE):
    assert "SQ900" not in outcome.error
    assert words in outcome.error, outcome.error
    assert outcome.exit == code


def test_a_run_that_was_killed_before_its_first_step_leaves_no_run_directory(bench, monkeypatch):
    monkeypatch.setattr("seqspec.runtime.run.write_lock", die)

    with pytest.raises(KeyError):
        bench.run("name=early")

    left = sorted((bench.folder / "runs" / "early").iterdir())
    assert [path.name.startswith(".starting-") for path in left] == [True]
    refused(bench.resume(left[0]), "was ended before its first step", Exit.USAGE)
    monkeypatch.undo()
    bench.path("name=early", "train.max_steps=1")
    assert not left[0].exists()


def die(*_):
    raise KeyError("killed")


def test_a_run_that_is_starting_is_left_alone(tmp_path):
    folder = starting_folder(tmp_path, name="a")
    with owned(folder.path):
        assert sweep_starting(tmp_path, name="a") == 0
    assert sweep_starting(tmp_path, name="a") == 1
    assert not folder.path.exists()


@pytest.mark.parametrize("missing", [("spec.yaml", "lock.json", "plan.txt"), ("lock.json",)])
def test_a_directory_without_spec_or_lock_says_that_nothing_is_lost(bench, copy, missing):
    shutil.rmtree(copy / "checkpoints")
    (copy / "checkpoints").mkdir()
    for name in missing:
        (copy / name).unlink()

    outcome = bench.resume(copy)

    refused(outcome, "was ended before its first step", Exit.USAGE)
    assert "nothing is lost" in outcome.error


def test_what_killed_writers_left_is_swept(bench, finished, halfway):
    left = [".data.json.4.tmp", "predictions/.dev.jsonl.5.tmp", "vocabularies/.x.6.tmp", ".spec.yaml.7.tmp"]
    for name in left:
        (halfway / name).write_text("half")
    (halfway / "checkpoints" / ".writing-doomed-step-00000002").mkdir()

    assert bench.resume(halfway).exit == 0

    names = {str(path.relative_to(halfway)) for path in halfway.rglob("*") if "events" not in path.parts}
    assert names == {str(p.relative_to(finished)) for p in finished.rglob("*") if "events" not in p.parts}


def test_only_files_of_writers_are_swept(tmp_path):
    for name in (".keep.tmp", "data.1.tmp", ".x.y.tmp"):
        (tmp_path / name).write_text("mine")

    assert sweep_temporary(RunFolder(tmp_path)) == 0


def test_missing_predictions_are_made_again(bench, halfway):
    shutil.rmtree(halfway / "predictions")

    assert bench.resume(halfway).exit == 0
    assert (halfway / "predictions").is_dir()


@pytest.mark.parametrize("length", [None, 0, 40])
def test_a_journal_that_was_cut_short_is_refused(bench, halfway, length):
    path = halfway / "metrics.jsonl"
    path.unlink() if length is None else path.write_bytes(path.read_bytes()[:length])

    outcome = bench.resume(halfway)

    refused(outcome, "the checkpoint of step 4 stands on")
    assert b"\0" not in path.read_bytes() if path.exists() else True
    assert bench.resume(halfway, allow_drift=True).exit == 0
    assert b"\0" not in path.read_bytes()
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_journal_of_other_content_is_refused(bench, halfway):
    path = halfway / "metrics.jsonl"
    path.write_bytes(b"\0" * 4000 + b"\n")

    refused(bench.resume(halfway), "metrics.jsonl:1 is not a line that a run has written")


FILES = {
    "facts.json": [b"garbage", b"[]", b'{"facts": 3}', b"[" * 100_000, b'{"facts": {"a": "b"}, "labels": {}, "statistics": {}}'],
    "lock.json": [b"garbage", b"[]", b'{"format": 1}', b"[" * 100_000],
}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), [(name, data) for name in FILES for data in FILES[name]])
def test_garbage_in_a_file_names_the_file(bench, halfway, name, data):
    (halfway / name).write_bytes(data)

    outcome = bench.resume(halfway)

    assert str(halfway / name) in outcome.error
    assert outcome.exit in (Exit.STORAGE, Exit.DRIFT)
    assert len(outcome.error) < 1000


@pytest.mark.parametrize("key", ["machine", "slices", "precision", "compiled", "digests"])
def test_a_lock_without_a_part_says_which(bench, halfway, key):
    lock = json.loads((halfway / "lock.json").read_text())
    del lock[key]
    (halfway / "lock.json").write_text(json.dumps(lock))

    refused(bench.resume(halfway), f"is not whole: it has no `{key}`", Exit.DRIFT)


def deep(lock):
    for _ in range(300):
        lock["spec"] = {"data": lock["spec"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lock: lock["machine"].update(threads=10**9), "`machine.threads` is 1000000000"),
        (lambda lock: lock["machine"].update(threads=-1), "`machine.threads` is -1"),
        (lambda lock: lock.update(slices=0), "`slices` is 0"),
        (lambda lock: lock.update(precision="float8"), "`precision` is float8"),
        (deep, "it is nested deeper than 80 levels"),
    ],
)
def test_a_lock_out_of_bounds_says_how(bench, halfway, change, words):
    lock = json.loads((halfway / "lock.json").read_text())
    change(lock)
    (halfway / "lock.json").write_text(json.dumps(lock))

    refused(bench.resume(halfway), words, Exit.DRIFT)


def test_a_checkpoint_whose_deletion_was_interrupted_goes(bench, finished, copy):
    all_kept = bench.path("train.keep_last=9", "name=kept")
    shutil.copytree(all_kept / "checkpoints" / "step-00000002", copy / "checkpoints" / "step-00000002")

    assert bench.resume(copy).exit == 0

    names = {path.name for path in (copy / "checkpoints").iterdir()}
    assert names == {path.name for path in (finished / "checkpoints").iterdir()}


def test_a_checkpoint_that_is_a_file_is_named(bench, halfway):
    (halfway / "checkpoints" / "step-00000005").write_text("")

    refused(bench.resume(halfway), "step-00000005 is a file, and a checkpoint is a folder")


def test_a_checkpoint_under_another_name_is_passed_over(bench, finished, halfway, capsys):
    shutil.copytree(halfway / "checkpoints" / "step-00000004", halfway / "checkpoints" / "step-00000005")

    assert bench.resume(halfway).exit == 0

    assert "step-00000005 is passed over: it holds step 4" in capsys.readouterr().err
    assert (halfway / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()


def test_a_checkpoint_beyond_the_end_is_named(bench, copy):
    longer = bench.path("train.max_steps=8", "name=longer")
    shutil.copytree(longer / "checkpoints" / "step-00000008", copy / "checkpoints" / "step-00000008")

    refused(bench.resume(copy), "step-00000008 lies beyond the run, which ends at step 5")


@pytest.mark.parametrize("name", ["metrics.jsonl", "speed.jsonl", "LOCK", "spec.yaml", "facts.json"])
def test_nothing_is_written_through_a_link(bench, halfway, tmp_path, name):
    outside = tmp_path / "outside"
    outside.write_bytes((halfway / name).read_bytes() + b"\n")
    held = outside.read_bytes()
    (halfway / name).unlink()
    (halfway / name).symlink_to(outside)

    outcome = bench.resume(halfway)

    assert outcome.exit == Exit.STORAGE
    assert name in outcome.error
    assert outside.read_bytes() == held


def test_a_pipe_in_place_of_a_file_is_not_waited_for(bench, halfway):
    (halfway / "metrics.jsonl").unlink()
    os.mkfifo(halfway / "metrics.jsonl")

    refused(bench.resume(halfway), "is no regular file")


def rewritten(run, change):
    """The newest checkpoint with another content, sealed as a checkpoint is."""
    folder = run / "checkpoints" / "step-00000005"
    found = read_checkpoint(folder)
    write_checkpoint(run / "checkpoints", change(found))


def other_shape(found):
    weights = {
        name: tensor[..., :1].clone() if tensor.ndim else tensor
        for name, tensor in found.tensors["weights"].items()
    }
    return replace(found, tensors={**found.tensors, "weights": weights})


def other_type(found):
    weights = {name: tensor.double() for name, tensor in found.tensors["weights"].items()}
    return replace(found, tensors={**found.tensors, "weights": weights})


def no_standing(found):
    return replace(found, state={})


def odd_optimizer(found):
    state = {name: torch.zeros(3, 1, 7) for name in found.tensors["optimizer"]}
    return replace(found, tensors={**found.tensors, "optimizer": state})


@pytest.mark.parametrize("change", [other_shape, other_type, no_standing, odd_optimizer])
def test_a_checkpoint_of_another_model_is_named(bench, copy, change):
    rewritten(copy, change)

    refused(bench.resume(copy), "checkpoint step-00000005 does not fit")


def pickled(folder):
    (folder / "weights.safetensors").write_bytes(pickle.dumps({"a": os.system}))


def huge_header(folder):
    (folder / "weights.safetensors").write_bytes((2**62).to_bytes(8, "little") + b"{}")


def deep_manifest(folder):
    body = b"[" * 100_000
    (folder / "MANIFEST.json").write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def odd_manifest(folder):
    body = b'{"step": 5, "state": "", "files": {"../../x": {}}}'
    (folder / "MANIFEST.json").write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


@pytest.mark.parametrize("damage", [pickled, huge_header, deep_manifest, odd_manifest])
def test_a_strange_checkpoint_is_passed_over(bench, finished, copy, damage, capsys):
    damage(copy / "checkpoints" / "step-00000005")

    outcome = bench.resume(copy)

    assert outcome.exit == 0, outcome.error
    assert "step-00000005 is passed over" in capsys.readouterr().err
    assert (copy / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["metrics.jsonl", "speed.jsonl", "result.json", "predictions/dev.jsonl"])
@pytest.mark.parametrize("data", [b"[1]\n", b"{}\n", b"[" * 100_000 + b"\n", b"\0\0\n"])
def test_a_report_of_strange_files_is_refused(copy, name, data):
    (copy / name).write_bytes(data)

    outcome = commands.report(copy)

    assert outcome.exit in (Exit.CLEAN, Exit.STORAGE)
    assert "SQ900" not in outcome.error


FACTS = {"classes": 3, "data.source.target.num": 3}


@pytest.mark.parametrize("num", [3, Unknown("classes"), Unknown("")])
def test_too_few_labels_are_said(tmp_path, num):
    with pytest.raises(RunError, match="it names 1 classes, and the model has 3"):
        require_labels(tmp_path, {"target": ("a",)}, FACTS.items(), {"target": Classes(num)})
    require_labels(tmp_path, {"target": ("a", "b", "c")}, FACTS.items(), {"target": Classes(num)})


def test_a_vocabulary_that_is_none_is_named(bench):
    run = bench.path("data.text.shared.tokenizer=characters", "name=characters", "train.max_steps=1")
    (vocabulary,) = (run / "vocabularies").iterdir()
    vocabulary.write_bytes(b"\x80\x04garbage")

    with pytest.raises(RunError, match=f"{vocabulary.name} is not a vocabulary that a run has written"):
        reopen(open_folder(run))


def test_overlays_of_a_profile_do_not_go_with_a_run(bench, copy):
    outcome = commands.run(
        None, over=(Overlay.profile("tiny"),), runs=bench.folder, resume=copy, locked=False, lock=None,
        allow_drift=False, launch=LAUNCH, format="text", command=(),
    )  # fmt: skip

    refused(outcome, "--resume goes on with the run's own spec", Exit.USAGE)


@pytest.mark.parametrize(("call", "words"), [(2, "from the start"), (4, "from `step-00000002")])
def test_a_run_that_is_interrupted_twice_ends_at_once_and_goes_on(bench, monkeypatch, call, words):
    whole = bench.path("name=whole")
    step, calls = Training.training_step, []

    def interrupted(self, *given):
        calls.append(given)
        if len(calls) == call:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return step(self, *given)

    monkeypatch.setattr(Training, "training_step", interrupted)
    ended = bench.run(f"name=twice{call}")
    monkeypatch.undo()

    assert ended.exit == Exit.INTERRUPTED
    assert "interrupted in the middle of step" in ended.error
    assert words in ended.error
    (folder,) = (bench.folder / "runs" / f"twice{call}").iterdir()
    assert bench.resume(folder).exit == 0
    assert weights_of(folder) == weights_of(whole)


def weights_of(run):
    return {path.parent.name: path.read_bytes() for path in run.glob("checkpoints/*/weights.safetensors")}

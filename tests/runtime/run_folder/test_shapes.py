"""A stranger's files of a run are refused with the file's name and the place within, whoever reads them."""

from __future__ import annotations

import json
import os

import pytest

from seqspec.runtime.compare.subject import num_weights
from seqspec.runtime.report.predictions import read_predictions
from seqspec.runtime.run_folder.documents import read_bytes
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.run_folder.shapes import SHAPES, Each, Keys, misshapen
from seqspec.schema.diagnostic import RunError

SOUND = {
    "lock.json": {"digests": {"all": "0"}, "files": {"dev": {"a": "0"}}, "text": {"source": {}}, "other": 1},
    "result.json": {"step": 1, "checkpoint": "step-00000001", "metrics": {"dev": {"wer": 0.5, "n": 1}}, "signatures": {"dev": {"wer": "x"}}},
    "evaluations/dev.json": {
        "split": "dev", "step": 1, "checkpoint": "a", "metrics": {"wer": 1.0}, "files": {"a": "0"},
    },
    "data.json": {"examples": {"train": 3}, "dropped": {"train": {"too_long": 1}}},
    "launch.json": {"command": ["run"], "started": "2026"},
    "tasks.json": {
        "tasks": {"a": {"turns": 1, "examples": 2, "weight": 1.0}},
        "parts": [{"part": "x", "parameters": 1, "tasks": ["a"]}],
    },
    "attention.json": {"id": "a", "target": "b", "weights": [[0.5, 1]]},
    "not_finite.json": {"step": 3, "batches": [{"micro_step": 0, "examples": ["a"]}]},
    "unigram.json": {"counts": [1, 2]},
    "metrics.jsonl": {"event": "train", "step": 1, "loss": float("nan")},
    "speed.jsonl": {"step": 1, "anything": "x"},
}  # fmt: skip
DEEP = {
    "result.json": [("metrics", "dev", "wer"), ("metrics", "dev"), ("step",)],
    "lock.json": [("files", "dev", "a"), ("text", "source"), ("digests", "all")],
    "data.json": [("examples", "train"), ("dropped", "train", "too_long")],
    "tasks.json": [("tasks", "a", "weight"), ("tasks", "a"), ("parts",)],
    "attention.json": [("weights",), ("id",)],
}


@pytest.mark.parametrize("name", SOUND)
def test_what_a_run_writes_is_sound(name):
    assert misshapen(SOUND[name], name) is None


def test_every_shape_has_a_sound_example():
    assert len(SOUND) == len(SHAPES)


@pytest.mark.parametrize("value", [17, [], "x", True])
@pytest.mark.parametrize("name", SOUND)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, name, value):
    (tmp_path / "evaluations").mkdir()
    (tmp_path / name).write_text(json.dumps(value) + "\n")

    with pytest.raises(RunError, match="no mapping") as refused:
        _read(tmp_path, name)

    assert name in str(refused.value)


@pytest.mark.parametrize(("name", "path"), [(name, path) for name in DEEP for path in DEEP[name]])
def test_the_place_within_is_named(tmp_path, name, path):
    broken = json.loads(json.dumps(SOUND[name]))
    inner = broken
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = True
    (tmp_path / name).write_text(json.dumps(broken))

    with pytest.raises(RunError) as refused:
        RunFolder(tmp_path).read(name)

    assert f"`{'.'.join(path)}` is no" in str(refused.value)


@pytest.mark.parametrize("name", [name for name in SOUND if getattr(SHAPES.get(name), "needed", ())])
def test_what_cannot_be_done_without_is_named(name):
    assert "it has no `" in (misshapen({}, name) or "")


def test_an_evaluation_without_a_split_is_no_line_of_a_journal(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"event": "evaluate", "step": 1, "metrics": {}}\n')

    with pytest.raises(RunError, match=r"metrics\.jsonl:1 .* has no `split`"):
        read_journal(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize("name", ["lock.json", "metrics.jsonl", "predictions.jsonl", "vocabulary"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)

    with pytest.raises(RunError, match=r"regular file|a pipe"):
        _read(tmp_path, name)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"a": 1}', b'{"a": {"shape": ["x"]}}', b"[" * 50_000])
def test_a_header_of_weights_is_refused_in_words(tmp_path, data):
    step = tmp_path / "checkpoints" / "step-00000001"
    step.mkdir(parents=True)
    (step / "weights.safetensors").write_bytes(len(data).to_bytes(8, "little") + data)

    with pytest.raises(RunError, match=r"weights\.safetensors is not"):
        num_weights(RunFolder(tmp_path))


@pytest.mark.parametrize("line", ["[]", '{"fields": [1]}', "17", "{"])
def test_a_line_of_predictions_is_refused_in_words(tmp_path, line):
    (tmp_path / "dev.jsonl").write_text(line + "\n")

    with pytest.raises(RunError, match=r"dev\.jsonl"):
        read_predictions(tmp_path / "dev.jsonl")


def test_shapes_say_of_every_mapping_what_is_in_it():
    assert all(isinstance(shape, Each | Keys) for shape in SHAPES.values())


def _read(folder, name):
    match name:
        case "metrics.jsonl" | "speed.jsonl":
            return read_journal(folder / name)
        case "predictions.jsonl":
            return read_predictions(folder / name)
        case "vocabulary":
            return read_bytes(folder / name)
    return RunFolder(folder).read(name)

from __future__ import annotations

import json
import os
import random

import pytest
import torch
from safetensors.torch import load_file

from seqspec.runtime.checkpoints.checkpoint import Checkpoint, read_checkpoint, sweep, write_checkpoint
from seqspec.runtime.checkpoints.retention import Retention, newest_sound, prune, steps_of
from seqspec.runtime.checkpoints.tensor_file import Damaged, digest_all, pieces


def checkpoint(step: int = 1) -> Checkpoint:
    weights = {"a": torch.arange(6.0).reshape(2, 3) + step, "half": torch.ones(3, dtype=torch.bfloat16),
               "none": torch.empty(0), "n": torch.tensor(7)}  # fmt: skip
    return Checkpoint(step, {"weights": weights, "optimizer": {"a/step": torch.tensor(3.0)}}, {"x": 0.1})


def test_what_was_written_is_read(tmp_path):
    folder = write_checkpoint(tmp_path, checkpoint())

    found = read_checkpoint(folder)

    assert found.state == {"x": 0.1}
    for name, tensor in checkpoint().tensors["weights"].items():
        assert torch.equal(found.tensors["weights"][name], tensor)
        assert found.tensors["weights"][name].dtype == tensor.dtype


def test_other_programs_read_the_weights(tmp_path):
    folder = write_checkpoint(tmp_path, checkpoint())

    found = load_file(folder / "weights.safetensors")

    assert torch.equal(found["a"], checkpoint().tensors["weights"]["a"])
    assert found["half"].dtype == torch.bfloat16


def test_the_bytes_are_the_same_every_time(tmp_path):
    one, two = (write_checkpoint(tmp_path / name, checkpoint()) for name in "ab")

    assert [p.read_bytes() for p in sorted(one.iterdir())] == [p.read_bytes() for p in sorted(two.iterdir())]


def test_every_flipped_bit_is_found(tmp_path):
    folder = write_checkpoint(tmp_path, checkpoint())
    random_ = random.Random(1)

    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for _ in range(40):
            data = bytearray(whole)
            data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
            path.write_bytes(bytes(data))
            with pytest.raises(Damaged):
                read_checkpoint(folder)
        path.write_bytes(whole)

    assert read_checkpoint(folder)


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "optimizer.safetensors", "state.json", "MANIFEST.json"]
)
@pytest.mark.parametrize("share", [0.0, 0.5, None])
def test_cut_and_missing_files_are_found(tmp_path, name, share):
    folder = write_checkpoint(tmp_path, checkpoint())
    data = (folder / name).read_bytes()

    if share is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(data[: int(len(data) * share)])

    with pytest.raises(Damaged, match=name.split(".")[0]):
        read_checkpoint(folder)


def test_the_newest_sound_one_wins_and_the_others_are_named(tmp_path):
    for step in (1, 2, 3):
        write_checkpoint(tmp_path, checkpoint(step))
    (tmp_path / "step-00000003/state.json").write_text("{}")
    said: list[str] = []

    found = newest_sound(tmp_path, said.append)

    assert found is not None
    assert found.step == 2
    assert said == ["checkpoint step-00000003 is passed over: state.json is not what was written"]


def test_a_failed_write_leaves_no_trace(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, checkpoint(1))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        write_checkpoint(tmp_path, checkpoint(2))

    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_orphans_are_swept(tmp_path):
    (tmp_path / ".writing-step-00000009-123").mkdir()
    (tmp_path / ".writing-step-00000009-123/weights.safetensors").write_bytes(b"x")
    write_checkpoint(tmp_path, checkpoint())

    assert sweep(tmp_path) == 1
    assert steps_of(tmp_path) == [1]


def test_rules_of_keeping(tmp_path):
    for step in range(1, 11):
        write_checkpoint(tmp_path, checkpoint(step))

    prune(
        tmp_path, retention=Retention(last=2, best=2, every_steps=4), scores={1: 0.5, 3: 0.9, 5: 0.9, 6: 0.1}
    )

    assert steps_of(tmp_path) == [3, 4, 5, 8, 9, 10]


def test_the_digest_does_not_depend_on_order():
    tensors = checkpoint().tensors["weights"]

    assert digest_all(dict(reversed(tensors.items()))) == digest_all(tensors)
    assert digest_all({**tensors, "a": tensors["a"].reshape(3, 2)}) != digest_all(tensors)


def test_the_header_is_json_that_names_every_tensor():
    (_, header), *_ = pieces(checkpoint().tensors["weights"])

    assert set(json.loads(bytes(header)[8:])) == {"a", "half", "none", "n"}

import pytest
import torch

from seqspec.runtime.checkpoints.checkpoint import Checkpoint, folder_name, write_checkpoint
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.schema.diagnostic import Exit, RunError

STEPS = (1, 10, 11, 12)
"""The first is an old one that scored best; each checkpoint's weight is its step."""


@pytest.fixture
def kept(tmp_path):
    training_state = TrainingState(scores={1: 5.0, 10: 1.0, 12: 2.0}, evaluated_at=12).as_json()
    for step in STEPS:
        weights = {"w": torch.tensor([float(step)]), "n": torch.tensor(step)}
        write_checkpoint(tmp_path, Checkpoint(step, {"weights": weights}, {"standing": training_state}))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "weight"),
    [
        ("best", 1.0),
        ("last", 12.0),
        ("step-00000010", 10.0),
        ("step-10", 10.0),
        ("10", 10.0),
        ("average", 8.5),
        ("average:1", 12.0),
        ("average:3", 11.0),
        ("average:4", 8.5),
    ],
)
def test_a_name_means_these_weights(kept, name, weight):
    assert chosen(kept, name).tensors["weights"]["w"].item() == weight


def test_an_average_keeps_the_newest_whole_numbers(kept):
    assert chosen(kept, "average:2").tensors["weights"]["n"].item() == 12


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("average:5", "has kept 4 checkpoints"),
        ("average:0", "names no number of checkpoints"),
        ("average:-1", "names no number of checkpoints"),
        ("average:", "names no number of checkpoints"),
        ("average:two", "names no number of checkpoints"),
        ("avrage", "there is no checkpoint 'avrage'"),
        ("13", "there is no checkpoint '13'"),
        ("9" * 5000, "there is no checkpoint '9999"),
    ],
)
def test_a_name_that_means_nothing_is_said(kept, name, words):
    with pytest.raises(RunError, match=words) as caught:
        chosen(kept, name)

    assert caught.value.exit == Exit.USAGE


def test_a_damaged_checkpoint_is_not_averaged(kept):
    path = kept / folder_name(11) / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(RunError, match="is damaged"):
        chosen(kept, "average:2")


def test_weights_of_another_model_are_named_by_their_file(tmp_path):
    from seqspec.runtime.checkpoints.selection import use_weights

    strange = Checkpoint(3, {"weights": {"other": torch.zeros(1)}}, {}, tmp_path / "mean.safetensors")

    with pytest.raises(RunError, match=r"mean\.safetensors is not of this run"):
        use_weights(torch.nn.Linear(1, 1), strange)

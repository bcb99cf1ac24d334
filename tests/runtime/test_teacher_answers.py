"""A teacher that answers each example once: nothing that is kept, or not, changes a bit."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn

from seqspec.components.outputs import Aligned, Scored
from seqspec.data.batching.batch import Batch, Field
from seqspec.runtime.assembly import teacher_answers
from seqspec.runtime.assembly.teacher_answers import ByExample
from seqspec.runtime.checkpoints.selection import chosen
from tests.runtime.run_folder.conftest import Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def settings(run):
    return (
        "model.encoder.dim=4",
        "loss=null",
        "losses={nll: {type: cross_entropy, on: tokens, weight: 0.5}, "
        "soft: {type: distillation, teacher: big}, "
        "hint: {type: state_distillation, teacher: big, teacher_dim: 8}}",
        f"teachers={{big: {{from: {run}, answers: example}}}}",
    )


def test_what_is_kept_changes_no_bit(bench, tmp_path, monkeypatch):
    big = bench.path("name=big")
    kept = bench.path("name=kept", *settings(big))
    cut = shutil.copytree(kept, tmp_path / "cut")
    shutil.rmtree(cut / "checkpoints" / "step-00000005")
    (cut / "result.json").unlink()
    assert bench.resume(cut).exit == 0  # begins with nothing kept
    monkeypatch.setattr(teacher_answers, "MEGABYTE", 0)
    asked = bench.path("name=kept", *settings(big))

    journals = [(run / "metrics.jsonl").read_bytes() for run in (kept, cut, asked)]
    ours, *others = (chosen(run / "checkpoints", "last").tensors["weights"] for run in (kept, cut, asked))

    assert journals[0] == journals[1] == journals[2]
    for other in others:
        assert all(torch.equal(ours[name], other[name]) for name in ours)


class Mean(nn.Module):
    """Counts how often it is asked; a position's state is its own value and the sum of the row."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def outputs(self, batch, *, only=None):
        self.asked += 1
        x_BT, lengths_B = batch.fields["source"]
        hidden = torch.stack([x_BT, x_BT.sum(1, keepdim=True).expand_as(x_BT)], -1)
        labels = batch.fields["target"].values
        return {
            "tokens": Scored(hidden, labels, self),
            "ctc": Aligned(hidden, lengths_B, labels, batch.fields["target"].lengths),
        }


def batch(*rows):
    lengths = torch.tensor([2, 3, 1])[list(rows)]
    values = torch.tensor([[1.0, 2, 0], [3, 4, 5], [6, 0, 0]])[list(rows), : int(lengths.max())]
    field = Field(values, lengths)
    return Batch({"source": field, "target": field}, torch.tensor(rows), 0, {"loss": 1.0})


def test_rows_are_asked_once_and_joined_as_a_batch_would_be():
    teacher = Mean()
    kept = ByExample(teacher, megabytes=1)
    for rows in ((0, 1), (2, 1), (1, 0, 2)):
        whole, found = teacher.outputs(batch(*rows)), kept.outputs(batch(*rows))
        real = torch.arange(whole["ctc"].logits.shape[1]) < whole["ctc"].lengths[:, None]

        torch.testing.assert_close(found["tokens"].hidden[real], whole["tokens"].hidden[real])
        assert torch.equal(found["tokens"].labels, whole["tokens"].labels)
        assert torch.equal(found["ctc"].logits[real], whole["ctc"].logits[real])
        assert torch.equal(found["ctc"].target_lengths, whole["ctc"].target_lengths)
        assert found["tokens"].head is teacher

    assert (kept.kept, teacher.asked) == (3, 3 + 3)

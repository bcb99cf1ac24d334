"""A batch of named fields, and the lengths that examples are sorted by."""

import numpy as np
import torch

from seqspec.data.batching.batch import Batch, Field
from seqspec.data.batching.collate import joined, loss_normalizers_of
from seqspec.data.stages.lengths import sides
from seqspec.schema.types import Counted, Floats, Integers, Mask, Scalar, Vector, in_order


def batch():
    ids, lengths = torch.arange(6).reshape(2, 3), torch.tensor([3, 2])
    fields = {
        "source": Field(ids, lengths),
        "target": Field(ids + 10, lengths),
        "pitch": Field(ids.float(), lengths),
    }
    return Batch(fields, torch.tensor([4, 5]), 7, {"nll": 5.0, "ctc": 3.0})


def test_source_and_target_are_fields():
    given = batch()

    assert given.source is given.fields["source"].values
    assert given.target_lengths is given.fields["target"].lengths
    assert given.loss_normalizer == 5.0
    assert given.with_fields(source=None).source is None


def test_a_change_of_values_keeps_lengths_and_the_other_fields():
    given = batch()
    changed = given.with_values(target=given.target * 2)

    assert torch.equal(changed.target, given.target * 2)
    assert changed.target_lengths is given.target_lengths
    assert changed.fields["pitch"] is given.fields["pitch"]


def test_map_reaches_every_tensor():
    first = batch().map(lambda x: x[:1])

    assert {len(x) for field in first.fields.values() for x in field} == {1}
    assert first.index.tolist() == [4]
    assert (first.step, first.loss_normalizers) == (7, {"nll": 5.0, "ctc": 3.0})


def test_each_type_is_joined_by_its_rule():
    assert joined(Integers(), [np.array([1, 2]), np.array([3])]).values.tolist() == [[1, 2], [3, 0]]
    assert joined(Floats(), [np.array([1.5]), np.array([2.0, 3.0])]).lengths.tolist() == [1, 2]
    assert joined(Scalar(), [0.5, 2.0]).values.tolist() == [0.5, 2.0]
    assert joined(Vector(2), [np.ones(2), np.zeros(2)]).values.shape == (2, 2)
    mask = joined(Mask(3, 1, 2), [np.array([[2, 0]], np.uint8)])
    assert (mask.values.dtype, mask.values.tolist(), mask.lengths) == (torch.int64, [[[2, 0]]], None)


def test_a_pair_is_sorted_by_its_two_lengths_as_they_are():
    lengths = np.array([[3, 5], [2, 9]], np.int32)

    assert sides(lengths, ("source", "target"), None) is lengths
    assert sides(lengths[:, 1:], ("target",), None).tolist() == [[0, 5], [0, 9]]


def test_the_measured_field_comes_first_and_then_the_longest_other():
    lengths = np.array([[3, 5, 1], [2, 9, 12]], np.int32)
    names = in_order(["durations", "source", "target"])

    assert names == ("source", "target", "durations")
    assert sides(lengths, names, "target").tolist() == [[5, 3], [9, 12]]
    assert sides(lengths, names, None).tolist() == [[3, 5], [2, 12]]


def test_every_loss_has_the_share_of_what_it_counts():
    class Lengths:
        def lengths_of(self, role):
            return {"target": np.array([3, 4, 5]), "mel": np.array([30, 40, 50])}[role]

    counted = {
        "nll": Counted("target", "tokens_and_end"),
        "ctc": Counted("target", "tokens"),
        "mel": Counted("mel", "frames"),
        "speaker": Counted("target", "examples"),
    }

    found = loss_normalizers_of(Lengths(), np.array([0, 2]), counted=counted, micro_batches=2)

    assert found == {"nll": 5.0, "ctc": 4.0, "mel": 40.0, "speaker": 1.0}

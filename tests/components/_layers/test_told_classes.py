"""The class that an image is to be of."""

import pytest
import torch

from seqspec.components._layers.pixels import told_classes
from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import DataError


def batch(target):
    return Batch.pair(torch.zeros(2, 1, 4, 4), None, target, None, torch.arange(2))


def test_the_told_class_is_taken():
    assert told_classes(batch(torch.tensor([2, 0])), 3).tolist() == [2, 0]
    assert told_classes(batch(torch.zeros(2, 0, dtype=torch.int64)), None) is None


def test_a_class_that_nothing_says_is_asked_for():
    with pytest.raises(DataError, match="nothing says which") as told:
        told_classes(batch(torch.zeros(2, 0, dtype=torch.int64)), 3)

    assert "--field target=CLASS" in told.value.help

"""Columns of a table that say more of an input, such as who speaks."""

import numpy as np
import pytest

from seqspec.components.predictions import TextPrediction
from seqspec.runtime.prediction.input import Input, of_text
from seqspec.runtime.prediction.predictor import Predictor
from seqspec.schema.types import Text

SEEN: list = []


def search(batch):
    speaker = batch.fields["speaker"].values.tolist() if "speaker" in batch.fields else None
    SEEN.append((batch.index.tolist(), speaker))
    return [[TextPrediction("said", 0.0)] for _ in batch.index]


@pytest.fixture
def predictor():
    SEEN.clear()
    prepare = lambda text: np.arange(len(text))  # noqa: E731
    return Predictor(search, prepare, Text("en"), 1000, classes={"speaker": ("alto", "bass")})


def row(text, **columns):
    return Input(text, text, "table.csv", 3, columns={"text": text, **columns})


def test_a_column_names_the_class(predictor):
    found = list(predictor([row("a", speaker="bass"), row("bb", speaker="alto"), row("ccc", speaker="bass")]))

    assert SEEN == [([0, 1, 2], [1, 0, 1])]
    assert [one.hypotheses[0].text for one in found] == ["said"] * 3


def test_inputs_of_which_nothing_is_told_have_batches_of_their_own(predictor):
    list(predictor([row("a", speaker="bass"), row("bb"), of_text("ccc"), row("d", speaker="")]))

    assert sorted(SEEN) == [([0], [1]), ([3, 1, 2], None)]


def test_an_unknown_name_is_told_with_those_that_are_known(predictor):
    first, second = predictor([row("a", speaker="tenor"), row("b", speaker="alto")])

    assert "no speaker `tenor`" in str(first.error)
    assert first.error.help == "it knows `alto`, `bass`"
    assert (first.error.file, first.error.row) == ("table.csv", 3)
    assert second.error is None

"""A recording in which not one frame fits, or whose frames are no numbers, is named, alone and beside others."""

import numpy as np

from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.predictor import Predictor
from seqspec.schema.types import Frames


def test_a_recording_without_a_frame_is_named_and_not_searched():
    def never(batch):
        raise AssertionError

    predictor = Predictor(
        search=never, prepare=lambda value: np.zeros((0, 4), np.float32), source=Frames(dim=4), max_units=9
    )

    [found] = predictor.predict([Input("a.wav", "a.wav", file="a.wav")])

    assert not found.hypotheses
    assert "not one frame" in str(found.error)
    assert found.error.file == "a.wav"


def test_a_recording_too_loud_for_numbers_is_named_beside_others():
    def prepare(value):
        return np.full((2, 4), np.inf if value == "loud.wav" else 0.5, np.float32)

    predictor = Predictor(
        search=lambda batch: [["heard"] for _ in batch.source_lengths], prepare=prepare,
        source=Frames(dim=4), max_units=9,
    )  # fmt: skip

    loud, other = predictor.predict([Input(name, name, file=name) for name in ("loud.wav", "b.wav")])

    assert not loud.hypotheses
    assert "too large" in str(loud.error)
    assert other.hypotheses == ("heard",)

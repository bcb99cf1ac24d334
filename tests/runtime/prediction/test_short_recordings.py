"""A recording in which not one frame fits is named, alone and beside others."""

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

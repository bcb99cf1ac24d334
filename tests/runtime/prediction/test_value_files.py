"""Files of predictions that are neither sound nor images."""

from __future__ import annotations

import numpy as np

from seqspec.components.predictions import FilePrediction, PointsPrediction, TextPrediction, VideoPrediction
from seqspec.runtime.prediction.input import Input, of_text
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.runtime.prediction.value_files import written_to


def test_texts_that_stand_for_files_points_and_films_are_written(tmp_path):
    music = TextPrediction("note_on_60", 0.0, as_file=lambda: (".mid", b"MThd"))
    points = PointsPrediction(np.array([3, 47]), np.array([[0, 0.5, 1], [1, 0, 0]], np.float32))
    rising = np.linspace(0, 1, 4, dtype=np.float32)[:, None, None].repeat(4, 1).repeat(4, 2)
    film = VideoPrediction(rising[2:], rising[:2])
    given = [
        Prediction(Input("", "a", id="prime"), (music, music)),
        Prediction(of_text("b"), (points,)),
        Prediction(of_text("c"), (film,)),
        Prediction(of_text("d"), (TextPrediction("plain", 0.0),)),
    ]

    found = [one.hypotheses for one in written_to(tmp_path, iter(given))]

    assert found[:3] == [
        (FilePrediction(("prime.mid",)), FilePrediction(("prime.2.mid",))),
        (FilePrediction(("00002.txt", "00002.svg")),),
        (FilePrediction(("00003.gif", "00003.npy")),),
    ]
    assert found[3][0].text == "plain"
    assert (tmp_path / "prime.2.mid").read_bytes() == b"MThd"
    assert (tmp_path / "00002.txt").read_text().splitlines()[1] == "1.000000 0.000000 0.000000 47"
    from PIL import Image

    with Image.open(tmp_path / "00003.gif") as animation:
        assert animation.n_frames == 4

"""Predicted values as pictures."""

import io

import numpy as np
from PIL import Image

from seqspec.components.mask_colours import palette
from seqspec.components.predictions import FramesPrediction, PointsPrediction, VectorPrediction
from seqspec.runtime.evaluation.pictures import picture


def colours(png):
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return {tuple(one) for one in pixels.reshape(-1, 3).tolist()}


def test_points_have_the_colours_of_their_classes():
    points = PointsPrediction(np.array([0, 3]), np.array([[0, 0, 0, 9], [1, 1, 0, 9]], np.float32))

    found = colours(picture(points))

    assert found == {(255, 255, 255), tuple(palette()[1].tolist()), tuple(palette()[4].tolist())}


def test_of_points_in_a_line_of_sight_the_near_one_is_seen():
    towards = np.array([-np.sin(np.radians(35)) * np.cos(np.radians(20)), np.sin(np.radians(20)),
                        np.cos(np.radians(35)) * np.cos(np.radians(20))])  # fmt: skip

    for near in (0, 1):
        places = np.stack([towards, -towards])[:: 1 if near == 0 else -1]
        found = colours(picture(PointsPrediction(np.array([0, 1]), places)))
        assert found == {(255, 255, 255), tuple(palette()[near + 1].tolist())}


def test_points_at_one_place_are_a_picture_too():
    assert len(colours(picture(PointsPrediction(np.zeros(4, np.int64), np.ones((4, 3)))))) == 2


def test_frames_go_from_left_to_right_with_low_features_below():
    png = picture(FramesPrediction(np.array([[1, 0], [0, 0], [0, 0]], np.float32), 100.0))

    assert np.asarray(Image.open(io.BytesIO(png))).tolist() == [[255, 255, 255], [0, 255, 255]]


def test_a_vector_is_no_picture():
    assert picture(VectorPrediction(np.zeros(3, np.float32))) is None

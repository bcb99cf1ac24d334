"""Points and films as drawings: every point in the colour of its class, every frame in its place."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import seqspec.pages
from seqspec.pages.film_strips import COLUMNS, MOST_FRAMES, chosen_frames, film_strip
from seqspec.pages.point_clouds import DARK, LIGHT, MOST_POINTS, cloud_svg


def dots(drawing):
    """The places of the dots by the number of their colour, of both views."""
    found = {}
    for path in ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}path"):
        colour, kind = path.get("class").split()
        places = [tuple(map(int, dot.removesuffix("h0").split())) for dot in path.get("d").split("M")[1:]]
        found.setdefault(colour if kind != "k" else "legend", []).extend(places)
    return found


def test_every_point_is_seen_from_two_sides_in_the_colour_of_its_class():
    points = np.array([[0.0, 0.0, 0.0], [2.0, 1.0, 0.5], [0.0, 1.0, 0.0]])

    found = dots(cloud_svg(points, np.array([36, 37, 36])))

    assert sorted(found["p0"]) == [(20, 110), (20, 290), (420, 245), (420, 245)]
    assert sorted(found["p1"]) == [(380, 110), (780, 155)]
    assert len(found["legend"]) == 2


def test_near_points_are_drawn_over_far_ones():
    paths = list(ElementTree.fromstring(cloud_svg(np.eye(3) * [0, 0, 1])))[1:4]

    assert [path.get("class") for path in paths] == ["p0 b0", "p0 b1", "p0 b2"]
    assert paths[2].get("d") == "M200 200h0"


@pytest.mark.parametrize("points", [np.zeros((1, 3)), np.ones((5, 6)), np.zeros((0, 3))])
def test_points_at_one_place_or_none_are_a_drawing_too(points):
    ElementTree.fromstring(cloud_svg(points, np.zeros(len(points), int)))


def test_a_large_set_is_a_small_file():
    points = np.random.default_rng(0).normal(size=(200_000, 3))

    drawing = cloud_svg(points, np.arange(200_000) % 4)

    assert sum(map(len, dots(drawing).values())) == 2 * MOST_POINTS + 4
    assert len(drawing) < 40_000


def test_the_colours_are_those_of_the_page():
    style = (Path(seqspec.pages.__file__).parent / "static" / "page.css").read_text()
    light, dark = style.split("prefers-color-scheme: dark")

    for number, (one, other) in enumerate(zip(LIGHT, DARK, strict=True)):
        assert f"--c{number}: {one};" in light
        assert f"--c{number}: {other};" in dark


def test_frames_stand_in_rows():
    frames_THW = np.arange(1, 13)[:, None, None] / 12 * np.ones((12, 4, 6))

    strip_CHW = film_strip(frames_THW)

    assert strip_CHW.shape == (2, 10, COLUMNS * 8 - 2)
    assert (strip_CHW[0, :4, :6] == round(255 / 12)).all()
    assert (strip_CHW[0, 6:, 8:14] == 255).all()
    assert (strip_CHW[1, :, 6:8] == 0).all(), "between frames the page is seen"
    assert (strip_CHW[1, 6:, 14:] == 0).all(), "and after the last"


def test_large_frames_are_means_and_long_films_are_thinned():
    frames_THW = np.zeros((50, 192, 100))
    frames_THW[:, ::2] = 1.0

    strip_CHW = film_strip(frames_THW)

    assert strip_CHW.shape == (2, 2 * 98 - 2, COLUMNS * 52 - 2)
    assert set(strip_CHW[0, :96, :50].ravel()) == {128}
    assert chosen_frames(50)[0] == 0
    assert chosen_frames(50)[-1] == 49
    assert len(set(chosen_frames(50))) == MOST_FRAMES

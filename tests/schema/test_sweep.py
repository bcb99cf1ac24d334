"""Spaces: what they hold, and what is no space."""

import pytest

from seqspec.schema.sweep import Space, SpaceError, dimension


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"log_uniform": [0, 1]}, "starts above 0"),
        ({"uniform": [2, 1]}, "a lower and a higher bound"),
        ({"uniform": [1, 2, 3]}, "a lower and a higher bound"),
        ({"int": [1.5, 3]}, "whole numbers"),
        ({"uniform": [True, 3]}, "a lower and a higher bound"),
        ({"loguniform": [1, 2]}, "unknown kind, `loguniform`"),
        ({"choice": []}, "at least one value"),
        ([1, 1], "each only once"),
        (0.1, "no kind of range"),
        ({"choice": [[1], [2]]}, "plain values"),
        ([{"type": "lstm"}], "plain values"),
        ({"uniform": [0, float("inf")]}, "finite numbers"),
        ({"uniform": [float("nan"), 1]}, "finite numbers"),
    ],
)
def test_what_is_no_range_is_told(given, said):
    with pytest.raises(SpaceError, match=said):
        dimension("a.b", given)


def test_one_and_true_are_two_choices():
    assert dimension("a", [1, True]).values == (1, True)


@pytest.mark.parametrize("kind", ["uniform", "log_uniform", "int", "log_int"])
def test_positions_cover_the_interval(kind):
    one = dimension("a", {kind: [1, 100]})
    found = [one.at(step / 1000) for step in range(1001)]

    assert found == sorted(found)
    assert found[0] == pytest.approx(1, rel=1e-12)
    assert found[-1] == pytest.approx(100, rel=1e-12)
    assert all(1 <= value <= 100 for value in found)
    assert all(isinstance(value, int) for value in found) is one.whole
    middle = {"log_int": 7, "log_uniform": 10}.get(
        kind, 50
    )  # a whole number reaches half a step to each side
    assert found[500] == pytest.approx(middle, rel=0.05)


def test_corners_are_combined_in_a_small_space():
    space = Space(
        (
            dimension("a", {"uniform": [0, 1]}),
            dimension("b", ["x", "y", "z"]),
            dimension("c", {"int": [1, 3]}),
        )
    )
    corners = list(space.corners())

    assert len(corners) == 2 * 3 * 3
    assert {"a": 1, "b": "y", "c": 2} in corners


def test_each_value_is_a_corner_of_a_large_space():
    space = Space(tuple(dimension(f"a{n}", {"uniform": [0, 1]}) for n in range(10)))
    corners = list(space.corners())

    assert corners[0] == {f"a{n}": 0 for n in range(10)}
    assert corners[1] == {f"a{n}": 1 for n in range(10)}
    assert {"a4": 1} in corners
    assert len(corners) == 22

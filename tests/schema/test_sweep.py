"""Spaces: what they hold, and what is no space."""

import pytest

from seqspec.schema.sweep import Space, SpaceError, dimension, overrides


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
        ({"choice": 3}, "takes a list"),
        ([{"type": "sgd", "decay": 0}, {"decay": 0, "type": "sgd"}], "each only once"),
        ([{"type": "sgd", "decay": {"uniform": [0, 1]}}], "`decay` in it is a range"),
        ([{"sizes": [1, {"dim": {"choice": [1, 2]}}]}], r"`sizes\[1\].dim` in it is a range"),
        ({"uniform": [0, float("inf")]}, "finite numbers"),
        ({"uniform": [float("nan"), 1]}, "finite numbers"),
    ],
)
def test_what_is_no_range_is_told(given, said):
    with pytest.raises(SpaceError, match=said):
        dimension("a.b", given)


def test_one_and_true_are_two_choices():
    assert dimension("a", [1, True]).values == (1, True)


ADAM, SMALL, LARGE = (
    {"type": "adam", "beta2": 0.98},
    {"type": "sgd", "weight_decay": 0.0, "schedule": {"type": "constant", "peak": 0.01}},
    {"type": "sgd", "weight_decay": 0, "schedule": {"type": "constant", "peak": 0.1}},
)
"""The last two differ in their rates and in 0.0 and 0."""


def test_a_choice_may_be_a_section_and_each_is_a_corner():
    space = Space((dimension("optimizer", {"choice": [ADAM, SMALL, LARGE]}), dimension("a", [1, 2])))

    assert len(list(space.corners())) == space.grid_size() == 6
    assert [space.grid_point(n)["optimizer"] for n in range(0, 6, 2)] == [ADAM, SMALL, LARGE]
    assert [space.dimensions[0].index(one) for one in (ADAM, SMALL, LARGE)] == [0, 1, 2]


def test_a_section_is_named_by_its_type_or_by_what_differs():
    one = dimension("optimizer", [ADAM, SMALL, LARGE, "muon"])

    assert one.name(ADAM) == "adam"
    assert one.name("muon") == '"muon"'
    assert one.name(LARGE) == "sgd(weight_decay=0, schedule.peak=0.1)"
    assert dimension("a", [SMALL, {"type": "sgd"}]).name({"type": "sgd"}) == "sgd"
    assert len({one.name(value) for value in one.values}) == 4
    assert str(dimension("optimizer", [ADAM, {"type": "sgd"}])) == "{choice: [adam, sgd]}"
    assert str(dimension("a", [1, "x"])) == '{"choice": [1, "x"]}'
    assert dimension("a", [{"dim": 1, "n": 2}, {"dim": 2, "n": 2}]).name({"dim": 1, "n": 2}) == "(dim=1)"


def test_a_section_is_set_before_its_parts():
    params = {"optimizer.schedule.peak": 0.1, "optimizer": {"type": "sgd"}, "a": [1]}

    assert list(overrides(params).values()) == [
        'optimizer={"type": "sgd"}',
        "a=[1]",
        "optimizer.schedule.peak=0.1",
    ]
    assert list(overrides(params)) == ["optimizer", "a", "optimizer.schedule.peak"]


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

"""Spaces: what they hold, and what is no space."""

import json
from itertools import product

import pytest

from seqspec.schema.sections.sweep_space import Space, SpaceError, dimension, overrides


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
        (
            [{"type": "sgd", "decay": {"uniform": [1, 0]}}],
            "in a choice of `a.b`, `decay`: `uniform` takes a lower",
        ),
        ([{"inner": {"dim": {"choice": []}}}], "`inner.dim`: a choice needs at least one"),
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


SEARCHED = {
    "type": "sgd",
    "decay": {"log_uniform": [0.01, 1.0]},
    "inner": {"size": {"int": [1, 3]}, "kind": {"choice": [{"type": "x", "depth": {"int": [4, 5]}}, "y"]}},
}


def test_ranges_inside_a_choice_are_there_where_it_is_chosen():
    space = Space((dimension("a", [SEARCHED, ADAM]),))
    drawn = [space.drawn(lambda name, one, position=n / 40: one.at(position)) for n in range(41)]
    inner = [params["a"]["inner"] for params in drawn if params["a"]["type"] == "sgd"]

    assert space.conditional
    assert {one["size"] for one in inner} == {1, 2}  # the first half of the interval chooses this section
    assert {json.dumps(one["kind"]) for one in inner} == {'{"type": "x", "depth": 4}'}
    assert [params["a"] for params in drawn if params["a"]["type"] == "adam"] == [ADAM] * 21
    assert list(space.dimensions[0].every()) == [
        "a", "a[0].decay", "a[0].inner.size", "a[0].inner.kind", "a[0].inner.kind[0].depth",
    ]  # fmt: skip


def test_what_was_drawn_is_read_back():
    space = Space((dimension("a", [SEARCHED, ADAM, {**SEARCHED, "decay": {"log_uniform": [2, 3]}}]),))
    for places in product([0, 1, 2], [0.2, 0.7], [0, 1]):
        params = space.drawn(
            lambda name, one, p=places: (
                p[0] if name == "a" else p[2] if one.kind == "choice" else one.at(p[1])
            )
        )
        known = {
            name: found for name, _, found in space.dimensions[0].draws(json.loads(json.dumps(params))["a"])
        }

        assert known["a"] == places[0]
        assert space.drawn(lambda name, _, known=known: known[name]) == params


def test_corners_and_points_go_into_choices():
    space = Space(
        (dimension("a", [{"type": "sgd", "size": {"int": [1, 3]}, "rate": {"choice": [0.1, 1]}}, ADAM]),)
    )
    sections = [params["a"] for params in space.corners()]

    assert sections == [
        *({"type": "sgd", "size": size, "rate": rate} for size in (1, 2, 3) for rate in (0.1, 1)), ADAM,
    ]  # fmt: skip
    assert [space.grid_point(n)["a"] for n in range(space.grid_size())] == sections
    assert [space.dimensions[0].name(one) for one in sections[-2:]] == ["sgd(size=3, rate=1)", "adam"]
    assert str(space.dimensions[0]) == '{choice: [sgd size={"int": [1, 3]} rate={"choice": [0.1, 1]}, adam]}'
    with pytest.raises(SpaceError, match="no points on `decay`"):
        Space((dimension("a", [SEARCHED]),)).grid_size()


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

"""Neighbours, balls and points far apart: against plain loops, with ties, and with sets of other sizes."""

import torch

from seqspec.components._layers.point_sets import (
    farthest_points,
    gather_points,
    nearest_neighbors,
    points_in_ball,
)

torch.set_num_threads(1)


def cloud(count, dim=3, seed=0):
    return torch.randn(1, count, dim, generator=torch.Generator().manual_seed(seed))


def distances(x_NC):
    return (x_NC[:, None] - x_NC[None]).square().sum(2).sqrt()


def grid(side):
    """Points at whole places, so that many distances are equal."""
    return torch.cartesian_prod(torch.arange(side), torch.arange(side)).float()[None]


def test_neighbours_are_those_of_a_plain_loop():
    x = cloud(30, dim=5)
    expected = [
        sorted(range(30), key=lambda other: (float(row[other]), other))[:7] for row in distances(x[0])
    ]

    assert nearest_neighbors(x, torch.tensor([30]), count=7)[0].tolist() == expected


def test_of_equal_distances_the_earlier_point_is_nearest():
    x = grid(5)
    exact = distances(x[0]).square().round().long()
    expected = [sorted(range(25), key=lambda other: (int(row[other]), other))[:9] for row in exact]

    assert nearest_neighbors(x, torch.tensor([25]), count=9)[0].tolist() == expected


def test_points_beyond_the_length_are_nobodys_neighbours_and_a_small_set_fills_up():
    x = torch.zeros(1, 4, 2)
    x[0, :, 0] = torch.tensor([0.0, 1.0, 5.0, 1.5])

    found = nearest_neighbors(x, torch.tensor([3]), count=5)[0]

    assert found[:3].tolist() == [[0, 1, 2, 0, 0], [1, 0, 2, 1, 1], [2, 1, 0, 2, 2]]


def test_points_far_apart_are_chosen_one_after_another():
    x = grid(3)
    chosen = farthest_points(x, torch.tensor([9]), count=4)

    assert chosen.tolist() == [[0, 8, 2, 6]]  # two corners are equally far from the first two: the earlier


def test_a_set_of_few_points_gives_them_all():
    x = cloud(6)
    chosen = farthest_points(x, torch.tensor([4]), count=5)[0].tolist()

    assert sorted(chosen[:4]) == [0, 1, 2, 3]
    assert chosen[4] == 0


def test_a_ball_holds_its_first_points_and_repeats_the_first_of_them():
    x = torch.zeros(1, 6, 3)
    x[0, :, 0] = torch.tensor([0.0, 9.0, 0.3, 0.2, 0.1, 0.15])
    centers = x[:, [0, 1]]

    found = points_in_ball(x, torch.tensor([5]), centers, radius=0.25, count=4)[0]

    assert found.tolist() == [[0, 3, 4, 0], [1, 1, 1, 1]]
    assert points_in_ball(x, torch.tensor([5]), centers, radius=0.25, count=2)[0].tolist() == [[0, 3], [1, 1]]
    assert points_in_ball(x, torch.tensor([5]), centers, radius=10.0, count=8)[0, 0].tolist() == [
        0, 1, 2, 3, 4, 0, 0, 0]  # fmt: skip


def test_gathered_points_are_those_of_their_own_set():
    x = torch.arange(12.0).view(2, 3, 2)
    index = torch.tensor([[[2, 0]], [[1, 1]]])

    assert gather_points(x, index).tolist() == [[[[4, 5], [0, 1]]], [[[8, 9], [8, 9]]]]

"""A decoder of few positions goes on by reading its newest ids only."""

import torch

from seqspec.components._layers.sliding_window import begin_window, step_window


class Sums:
    """Stands in for a decoder of three positions: hidden state u is the sum of all ids up to u."""

    max_positions = 3

    def __call__(self, ids_BU):
        assert ids_BU.shape[1] <= self.max_positions
        return ids_BU.cumsum(1)[:, :, None]

    def start(self, memory, lengths, *, examples):
        return Sum(torch.zeros(examples, dtype=torch.int64))

    def step(self, ids_N, state):
        total_N = state.total_N + ids_N
        return total_N[:, None], Sum(total_N)


class Sum:
    def __init__(self, total_N):
        self.total_N = total_N

    def select(self, rows_N):
        return Sum(self.total_N[rows_N])

    def keep(self, examples_B):
        return self


def test_each_step_sees_as_many_ids_as_there_are_positions():
    ids_NU = torch.tensor([[1, 2, 4, 8, 16], [5, 5, 5, 5, 5]])
    window = begin_window(Sums(), examples=2, device=ids_NU.device)
    seen = []

    for ids_N in ids_NU.unbind(1):
        hidden_ND, window = step_window(Sums(), ids_N, window)
        seen.append(hidden_ND[:, 0].tolist())

    assert seen == [[1, 5], [3, 10], [7, 15], [14, 15], [28, 15]]


def test_hypotheses_that_are_selected_take_their_window_along():
    window = begin_window(Sums(), examples=2, device=torch.device("cpu"))
    for ids in ([1, 9], [2, 9], [3, 9], [4, 9]):
        _, window = step_window(Sums(), torch.tensor(ids), window)

    window = window.select(torch.tensor([1, 0])).keep(torch.tensor([0, 1]))
    hidden_ND, _ = step_window(Sums(), torch.tensor([9, 5]), window)

    assert hidden_ND[:, 0].tolist() == [27, 12]

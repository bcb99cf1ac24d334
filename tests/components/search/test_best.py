import pytest
import torch

from seqspec.components.search._best import LANES, SMALL, best_candidates, num_blocks
from seqspec.components.search._hypothesis import Candidates
from seqspec.components.search._written import log_softmax_
from seqspec.components.search.beam import Beam, _Chosen, _open
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.types import EOS, Logits


def brute(log_probs_NV, sums_AK, *, count):
    sums_NV = sums_AK.reshape(-1, 1) + log_probs_NV
    sums, place = sums_NV.view(len(sums_AK), -1).topk(count, 1)
    return sums, place // log_probs_NV.shape[1], place % log_probs_NV.shape[1]


def log_probs(rows, size, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, size, generator=generator).log_softmax(1)


@pytest.mark.parametrize("size", [7, SMALL, 600, 809, 4000, 5003])
@pytest.mark.parametrize("beam", [1, 4])
def test_blocks_find_what_sorting_everything_finds(size, beam):
    given = log_probs(3 * beam, size, size + beam)
    sums = -torch.rand(3, beam, generator=torch.Generator().manual_seed(beam)) * 9
    count = min(8, size)

    found = best_candidates(given, sums, count=count)

    for mine, theirs in zip(found, brute(given, sums, count=count), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("place", [0, 1, 31, 32, 700, 767, 768, 808])
def test_the_best_is_found_wherever_it_stands(place):
    given = log_probs(4, 809, 3)
    given[2, place] = 5.0

    found = best_candidates(given, torch.zeros(2, 2), count=6)

    assert (found.parent_AC[1, 0], found.token_AC[1, 0]) == (0, place)


def test_hypotheses_that_are_gone_give_no_candidates_before_others():
    sums = torch.tensor([[-1.0, -torch.inf], [-torch.inf, -2.0]])

    found = best_candidates(log_probs(4, 809, 1), sums, count=6)

    assert found.parent_AC.tolist() == [[0] * 6, [1] * 6]
    assert found.sums_AC.isfinite().all()


def test_ids_stay_in_the_vocabulary_where_nothing_else_is_left():
    given = torch.full((1, 809), -torch.inf)
    given[0, 800:803] = 1.0

    found = best_candidates(given, torch.zeros(1, 1), count=6)

    assert sorted(found.token_AC[0, :3].tolist()) == [800, 801, 802]
    assert not found.sums_AC[0, 3:].isfinite().any()
    assert found.token_AC.max() < 809


def test_blocks_fill_vector_registers():
    counts = [num_blocks(size) for size in (600, 809, 4000, 32_000)]

    assert counts == [32, 32, 160, 1312]
    assert not any(count % LANES for count in counts)


@pytest.mark.parametrize(("rows", "size"), [(1, 7), (5, 809), (300, 4000), (2, 100_003)])
def test_log_softmax_in_place_is_log_softmax(rows, size):
    logits = torch.randn(rows, size, generator=torch.Generator().manual_seed(size)) * 20
    logits[0, 3] = -torch.inf
    expected = logits.log_softmax(1)

    assert torch.equal(log_softmax_(logits), expected)


@pytest.mark.parametrize("seed", range(20))
def test_what_goes_on_is_chosen_alike_in_tensors_and_in_the_books(seed):
    generator = torch.Generator().manual_seed(seed)
    size = 1 + seed % 5
    sums = torch.randn(2, 2 * size, generator=generator).sort(descending=True).values
    sums[:, 2 * size - seed % 3 :] = -torch.inf
    parent = torch.randint(size, sums.shape, generator=generator)
    token = torch.randint(EOS, EOS + 3, sums.shape, generator=generator)
    search = Beam(BeamConfig(size=size), Logits(9))

    found = search._goes_on(Candidates(sums, parent, token))

    arrays = _Chosen(sums.numpy(), parent.numpy(), token.numpy()).open(token.numpy() == EOS, size)
    lists = [_open(*row) for row in zip(sums.tolist(), parent.tolist(), token.tolist(), strict=True)]
    for mine, array, rows in zip(found, arrays, zip(*lists, strict=True), strict=True):
        assert mine.tolist() == array.tolist() == [row[:size] for row in rows]

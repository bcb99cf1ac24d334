import pytest
import torch

from seqspec.components.search._best import SMALL, best_candidates, block_width


def brute(logits_NV, normaliser_N1, sums_AK, *, count):
    sums_NV = sums_AK.reshape(-1, 1) + logits_NV - normaliser_N1
    sums, place = sums_NV.view(len(sums_AK), -1).topk(min(count, sums_NV[0].numel() * sums_AK.shape[1]), 1)
    return sums, place // logits_NV.shape[1], place % logits_NV.shape[1]


@pytest.mark.parametrize("size", [7, SMALL, 600, 809, 4000, 5003])
@pytest.mark.parametrize("beam", [1, 4])
def test_blocks_find_what_sorting_everything_finds(size, beam):
    generator = torch.Generator().manual_seed(size + beam)
    logits = torch.randn(3 * beam, size, generator=generator)
    sums = -torch.rand(3, beam, generator=generator) * 9

    found = best_candidates(logits, logits.logsumexp(1, keepdim=True), sums, count=8)

    expected = brute(logits, logits.logsumexp(1, keepdim=True), sums, count=8)
    given = found.sums_AC.shape[1]
    assert given >= min(8, size)
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.equal(mine, theirs[:, :given])


def test_hypotheses_that_are_gone_give_no_candidates_before_others():
    logits = torch.randn(4, 809, generator=torch.Generator().manual_seed(1))
    sums = torch.tensor([[-1.0, -torch.inf], [-torch.inf, -2.0]])

    found = best_candidates(logits, logits.logsumexp(1, keepdim=True), sums, count=6)

    assert found.parent_AC.tolist() == [[0] * 6, [1] * 6]
    assert found.sums_AC.isfinite().all()


def test_ids_stay_in_the_vocabulary_where_nothing_else_is_left():
    logits = torch.full((1, 809), -torch.inf)
    logits[0, 800:803] = 1.0

    found = best_candidates(logits, logits.logsumexp(1, keepdim=True), torch.zeros(1, 1), count=6)

    assert sorted(found.token_AC[0, :3].tolist()) == [800, 801, 802]
    assert not found.sums_AC[0, 3:].isfinite().any()
    assert found.token_AC.max() < 809


def test_blocks_divide_the_vocabulary_where_they_can():
    assert [block_width(size) for size in (4000, 32_000, 809)] == [125, 128, 64]

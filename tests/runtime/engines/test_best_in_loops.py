"""The best candidates by comparisons, against those by ``topk``."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.components.search._best import best_candidates
from seqspec.runtime.prediction.engines.best_in_loops import FEW, LANES, best_in_loops

torch.set_num_threads(1)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    beam=st.sampled_from([1, 2, 5, FEW // LANES, FEW // LANES + 1]),
    size=st.one_of(st.integers(3, 70), st.sampled_from([328, 1000, 1024])),
    count=st.sampled_from([1, 2, 10, 40]),
    allowed=st.sampled_from([None, 2]),
    lost=st.booleans(),
)
def test_the_same_candidates_are_found(seed, beam, size, count, allowed, lost):
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(beam, size, generator=generator).log_softmax(-1)
    sums = 3 * torch.randn(beam, generator=generator)
    if allowed is not None:
        log_probs[:, torch.randperm(size, generator=generator)[allowed:]] = -torch.inf
    if lost:
        sums[1:] = -torch.inf

    found = best_in_loops(log_probs, sums, count=count)

    expected = best_candidates(log_probs, sums[None], count=count)
    assert torch.equal(found.sums_AC, expected.sums_AC)
    can = expected.sums_AC > -torch.inf
    assert torch.equal(found.parent_AC[can], expected.parent_AC[can])
    assert torch.equal(found.token_AC[can], expected.token_AC[can])


def test_what_is_equal_is_found_once_and_what_is_no_number_has_a_place():
    equal = best_in_loops(torch.zeros(2, 40), torch.zeros(2), count=20)
    lost = best_in_loops(torch.full((2, 40), torch.nan), torch.zeros(2), count=20)

    pairs = zip(equal.parent_AC[0].tolist(), equal.token_AC[0].tolist(), strict=True)
    assert len(set(pairs)) == 20
    for found in (equal, lost):
        assert ((found.parent_AC >= 0) & (found.parent_AC < 2)).all()
        assert ((found.token_AC >= 0) & (found.token_AC < 40)).all()

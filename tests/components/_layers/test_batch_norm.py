"""Masked batch normalisation against torch's on the real positions alone."""

import pytest
import torch

from seqspec.components._layers.batch_norm import MaskedBatchNormRelu, _NormaliseRelu
from seqspec.components._layers.masked_batch_norm import MaskedBatchNorm
from seqspec.components._layers.masks import length_mask


def test_training_equals_torch_on_the_real_positions():
    torch.manual_seed(0)
    x, mask = torch.randn(3, 5, 2, 4) * 3 + 1, length_mask(torch.tensor([5, 2, 3]), 5)
    ours, theirs = MaskedBatchNormRelu(4, decay=0.9), torch.nn.BatchNorm1d(4, eps=1e-3, momentum=0.1)

    given = ours(x.masked_fill(~mask[..., None, None], 1e4), mask)
    expected = theirs(x[mask].flatten(0, 1)).relu()

    torch.testing.assert_close(given[mask].flatten(0, 1), expected, atol=1e-5, rtol=1e-5)
    assert (given[~mask] == 0).all()
    torch.testing.assert_close(ours.mean_C, theirs.running_mean)


def test_evaluation_uses_what_was_followed():
    norm = MaskedBatchNormRelu(2, decay=0.0)
    x, mask = torch.randn(4, 6, 2) * 5 + 2, torch.ones(4, 6, dtype=torch.bool)
    trained = norm(x, mask)

    given = norm.eval()(x, mask)

    torch.testing.assert_close(given, trained, atol=1e-5, rtol=1e-5)


def test_numeric_gradient():
    torch.manual_seed(1)
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    weight, bias = (torch.rand(2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    mask = length_mask(torch.tensor([3, 1]), 3)

    assert torch.autograd.gradcheck(
        lambda *given: _NormaliseRelu.apply(given[0].clone(), mask, *given[1:], 1e-3)[0], (x, weight, bias)
    )


def test_layout_in_memory_changes_nothing():
    torch.manual_seed(2)
    norm, mask = MaskedBatchNormRelu(3, decay=0.9), length_mask(torch.tensor([4, 2]), 4)
    last = torch.randn(2, 4, 5, 3)
    first = last.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    weight = torch.randn(2, 4, 5, 3)
    given = []
    for x in (last.clone(), first):
        x.requires_grad_()
        y = norm(x * 1, mask)
        given.append((y, *torch.autograd.grad((y * weight).sum(), [x, *norm.parameters()])))

    for one, other in zip(*given, strict=True):
        torch.testing.assert_close(one, other)


def test_an_empty_batch_gives_numbers():
    norm = MaskedBatchNormRelu(2, decay=0.9)

    assert norm(torch.ones(1, 3, 2), torch.zeros(1, 3, dtype=torch.bool)).isfinite().all()


def test_processes_follow_one_another_as_slices_do(monkeypatch):
    mask, slices = torch.ones(2, 3, dtype=torch.bool), torch.randn(2, 2, 3, 4)
    alone = MaskedBatchNormRelu(4, decay=0.9)
    for x in slices:
        alone(x.clone(), mask)

    def all_gather(parts, x):
        for part, other in zip(parts, slices, strict=True):
            flat = other.flatten(0, 1)
            part.copy_(torch.stack([flat.mean(0), flat.var(0, correction=0)]))

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_gather", all_gather)
    shared = MaskedBatchNormRelu(4, decay=0.9)
    shared(slices[0].clone(), mask)

    torch.testing.assert_close(shared.mean_C, alone.mean_C)
    torch.testing.assert_close(shared.variance_C, alone.variance_C)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_what_comes_in_half_precision_is_normalised_in_float32(half):
    torch.manual_seed(0)
    x, mask = (torch.randn(3, 5, 4) * 300).to(half), length_mask(torch.tensor([5, 2, 3]), 5)[..., None]
    ours, expected = MaskedBatchNorm(4), MaskedBatchNorm(4)

    with torch.autocast("cpu", half):
        given = ours(x, mask)

    assert torch.equal(given, expected(x.float(), mask))
    assert torch.equal(ours.variance_C, expected.variance_C)

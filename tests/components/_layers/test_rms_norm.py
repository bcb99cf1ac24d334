"""The gradient by one kernel is that of torch's own operations."""

import pytest
import torch
from torch.nn import functional

from seqspec.components._layers.rms_norm import RMSNorm


@pytest.mark.parametrize("shape", [(3, 5, 16), (2, 3, 4, 8), (7, 33)])
def test_gradients_are_those_of_torch(shape):
    generator = torch.Generator().manual_seed(1)
    norm = RMSNorm(shape[-1], eps=1e-3)
    with torch.no_grad():
        norm.weight.copy_(torch.rand(shape[-1], generator=generator) + 0.5)
    x = torch.randn(shape, generator=generator).transpose(0, -2).requires_grad_()
    slope = torch.randn(x.shape, generator=generator)
    own = torch.autograd.grad(norm(x), (x, norm.weight), slope)

    whole = functional.rms_norm(x, norm.weight.shape, norm.weight, norm.eps)

    assert torch.equal(norm(x), whole)
    torch.testing.assert_close(own, torch.autograd.grad(whole, (x, norm.weight), slope), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_types_are_torch_s(dtype):
    norm = RMSNorm(8, eps=1e-3).to(dtype)
    x = torch.randn(2, 8, dtype=dtype, requires_grad=True)

    assert "RMSNormBackward" not in norm(x).grad_fn.name()


def test_weights_that_stand_still_take_no_gradient():
    norm = RMSNorm(8, eps=1e-3).requires_grad_(False)
    x = torch.randn(2, 8, requires_grad=True)

    norm(x).sum().backward()

    assert x.grad is not None
    assert norm.weight.grad is None

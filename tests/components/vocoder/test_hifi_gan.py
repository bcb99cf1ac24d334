import pytest
import torch

from seqspec.components.vocoder.hifi_gan import _mean


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("shape", [(2, 1, 3), (3, 5, 7), (2, 16, 409)])
def test_the_mean_of_blocks_is_that_of_their_stack_to_the_bit(count, shape):
    torch.manual_seed(0)
    given = [torch.randn(shape) for _ in range(count)]
    grad = torch.randn(shape)

    def gradients(mean):
        leaves = [one.clone().requires_grad_() for one in given]
        found = mean(leaves)
        found.backward(grad)
        return [found.detach(), *(leaf.grad for leaf in leaves)]

    expected = gradients(lambda leaves: torch.stack(leaves).mean(0))
    assert all(map(torch.equal, gradients(_mean), expected))

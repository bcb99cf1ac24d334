import pytest
import torch
from torch import nn

from seqspec.components.encoder.shake_shake import ShakeShake, _Shortcut, shaken
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.shake_shake import ShakeShakeConfig
from seqspec.schema.types import Image, Tokens, Vector
from tests.components.building import count

torch.set_num_threads(1)

TINY = ShakeShakeConfig(dim=4, num_blocks=1)


@pytest.mark.parametrize("dim", [4, 16])
@pytest.mark.parametrize("image", [Image(3, 32, 32), Image(1, 9, 6), Image(2, 1, 5)])
def test_declared_type_parameters_and_work_are_what_is_built(image, dim):
    config = ShakeShakeConfig(dim=dim, num_blocks=2)
    worked = []
    with torch.device("meta"):
        encoder = ShakeShake(config, image).eval()
        for module in encoder.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(
                    lambda m, _, y: worked.append(m.weight.numel() * y.shape[2] * y.shape[3])
                )
        given, lengths = encoder(torch.empty(2, image.channels, image.height, image.width))

    assert config.output(image) == Vector(4 * dim)
    assert given.shape == (2, 4 * dim)
    assert lengths is None
    assert count(encoder) == config.parameters({"source": image})
    assert sum(worked) == config.uses(image)


def test_shares_add_up_to_one_and_gradients_take_others():
    torch.manual_seed(0)
    branches = torch.ones(2, 3, 4, 5, 5, requires_grad=True)
    mixed = shaken(branches, share="image")
    (shares,) = torch.autograd.grad(mixed.sum(), branches)

    torch.testing.assert_close(mixed, torch.ones(3, 4, 5, 5))
    torch.testing.assert_close(shares.sum(0), torch.ones(3, 4, 5, 5))
    assert len(shares[0].unique()) == 3

    one = torch.stack([torch.ones(3, 1), torch.zeros(3, 1)]).requires_grad_()
    forward = shaken(one, share="image")
    (backward,) = torch.autograd.grad(forward.sum(), one)
    assert not torch.isclose(forward, backward[0]).any()


def test_a_batch_shares_its_weights_and_none_takes_the_mean():
    torch.manual_seed(0)
    branches = torch.stack([torch.ones(3, 1), torch.zeros(3, 1)])

    assert len(shaken(branches, share="image").unique()) == 3
    assert len(shaken(branches, share="batch").unique()) == 1
    assert torch.equal(shaken(branches, share="none"), torch.full((3, 1), 0.5))


def test_evaluation_takes_the_mean_and_training_does_not():
    torch.manual_seed(0)
    encoder = ShakeShake(TINY, Image(1, 8, 8))
    x = torch.randn(3, 1, 8, 8)

    assert not torch.equal(encoder(x)[0], encoder(x)[0])
    encoder.eval()
    assert torch.equal(encoder(x)[0], encoder(x)[0])
    alone = torch.cat([encoder(row[None])[0] for row in x])
    torch.testing.assert_close(encoder(x)[0], alone, rtol=1e-4, atol=1e-5)


def test_the_shortcut_sees_every_diagonal_neighbour():
    shortcut = _Shortcut(1, 2, stride=2, decay=0.9).eval()
    nn.init.ones_(shortcut.here.weight)
    nn.init.ones_(shortcut.beside.weight)
    x = torch.arange(16.0).view(1, 1, 4, 4)

    given = shortcut(x) * (1 + 1e-3) ** 0.5
    torch.testing.assert_close(given[0, 0], torch.tensor([[0.0, 2.0], [8.0, 10.0]]))
    torch.testing.assert_close(given[0, 1], torch.tensor([[5.0, 7.0], [13.0, 15.0]]))


def test_every_weight_gets_a_finite_gradient():
    torch.manual_seed(0)
    encoder = ShakeShake(TINY, Image(1, 8, 8))
    encoder(torch.randn(2, 1, 8, 8))[0].square().sum().backward()

    bad = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert bad == []


def test_what_does_not_fit_is_said():
    with pytest.raises(Mismatch, match="reads images"):
        TINY.output(Tokens(5))

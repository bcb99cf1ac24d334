import pytest
import torch
from torch import nn

from seqspec.components.encoder.xception import Xception
from seqspec.schema.encoder.xception import XceptionConfig
from seqspec.schema.types import Classes, Image, Tokens, Vector
from tests.components.building import build, count, faults

torch.set_num_threads(1)

TINY = XceptionConfig(dim=8, num_layers=2, entry="plain", dropout=0.0)


def picture_model(image, **encoder):
    data = {"type": "classifier", "encoder": {"type": "xception", "dim": 8, "num_layers": 1, **encoder}}
    return build(data, {"source": image, "target": Classes(5)}, device="meta").model


@pytest.mark.parametrize("entry", ["plain", "strided"])
@pytest.mark.parametrize("image", [Image(3, 32, 32), Image(1, 9, 6), Image(1, 1, 1)])
def test_declared_type_and_parameters_are_what_is_built(image, entry):
    config = TINY.model_copy(update={"entry": entry})
    with torch.device("meta"):
        encoder = Xception(config, image)
        given, lengths = encoder(torch.empty(2, image.channels, image.height, image.width))

    assert given.shape == (2, 20)
    assert lengths is None
    assert count(encoder) == config.parameters({"source": image})


def test_work_is_counted_pixel_by_pixel():
    image = Image(3, 40, 21)
    config = TINY.model_copy(update={"entry": "strided"})
    worked = []
    with torch.device("meta"):
        encoder = Xception(config, image)
        for module in encoder.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(
                    lambda m, _, y: worked.append(m.weight.numel() * y.shape[2] * y.shape[3])
                )
        encoder(torch.empty(1, 3, 40, 21))

    assert sum(worked) == config.uses(image)


def test_large_pictures_are_shrunk_first():
    assert len(picture_model(Image(3, 201, 201)).encoder.entry) == 5
    assert len(picture_model(Image(3, 200, 200)).encoder.entry) == 1
    assert len(picture_model(Image(3, 32, 32), entry="strided").encoder.entry) == 5


def test_a_block_normalises_its_input_and_what_it_adds():
    torch.manual_seed(0)
    block = Xception(TINY, Image(1, 4, 4)).blocks[0]
    x = torch.randn(2, 8, 4, 4)

    added = x
    for layer in block.convolutions:
        added = layer(added)
    mean, var = (x + added).mean(1, keepdim=True), (x + added).var(1, keepdim=True, unbiased=False)
    torch.testing.assert_close(block(x), (x + added - mean) / (var + 1e-6).sqrt(), rtol=1e-4, atol=1e-5)


def test_every_weight_gets_a_finite_gradient_and_dropout_acts_while_training_only():
    torch.manual_seed(0)
    encoder = Xception(TINY.model_copy(update={"entry": "strided", "dropout": 0.5}), Image(1, 20, 20))
    x = torch.randn(2, 1, 20, 20)
    encoder(x)[0].square().sum().backward()

    bad = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert bad == []
    assert not torch.equal(encoder(x)[0], encoder(x)[0])
    encoder.eval()
    assert torch.equal(encoder(x)[0], encoder(x)[0])


@pytest.mark.parametrize(
    ("encoder", "source", "words"),
    [
        ({}, Tokens(5), "reads images"),
        ({"kernel": 4}, Image(1, 8, 8), "a kernel of 4 pixels has no middle"),
    ],
)
def test_what_does_not_fit_is_said(encoder, source, words):
    data = {"type": "classifier", "encoder": {"type": "xception", **encoder}, "embedding": None}
    if isinstance(source, Tokens):
        data["embedding"] = {"type": "lookup", "dim": 8}
    found = faults(data, {"source": source, "target": Classes(3)})

    assert any(words in message for message in found), found


def test_the_vector_is_two_and_a_half_times_as_wide():
    built = build(
        {"type": "classifier", "encoder": {"type": "xception", "dim": 8}},
        {"source": Image(1, 8, 8), "target": Classes(3)},
        device="meta",
    )

    assert Vector(built.model.head.weight_VD.shape[1]) == Vector(20)

"""Residual networks and vision transformers: published counts, and torch's own layers beside ours."""

import pytest
import torch
from torch.nn import functional

from seqspec.components._layers.resnet import ResnetBody, pooled
from seqspec.components.encoder.vision_transformer import VisionTransformer
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.vision_transformer import VisionTransformerConfig
from seqspec.schema.types import Classes, Image, Points, Vector
from tests.components.building import build, count, faults


@pytest.mark.parametrize(
    ("encoder", "size", "classes", "expected"),
    [
        ({"type": "resnet"}, 224, 1000, 25_557_032),
        ({"type": "resnet", "depth": 18}, 224, 1000, 11_689_512),
        ({"type": "resnet", "depth": 18, "stem": "cifar"}, 32, 10, 11_173_962),
        ({"type": "vision_transformer"}, 224, 1000, 86_567_656),
        ({"type": "vision_transformer", "dim": 192, "num_heads": 3, "feed_forward_dim": 768, "patch": 4}, 32, 10,
         5_362_762),
        ({"type": "vision_transformer", "dim": 128, "num_layers": 4, "num_heads": 4, "feed_forward_dim": 512,
          "patch": 4}, 32, 10, 6_272 + 128 + 65 * 128 + 4 * 198_272 + 256 + 1_290),
    ],
)  # fmt: skip
def test_networks_have_the_published_number_of_parameters(encoder, size, classes, expected):
    corpus = {"source": Image(3, size, size), "target": Classes(classes)}

    assert count(build({"type": "classifier", "encoder": encoder}, corpus, device="meta").model) == expected


def test_a_vision_transformer_is_torchs():
    torch.manual_seed(0)
    config = VisionTransformerConfig(dim=8, num_layers=2, num_heads=2, feed_forward_dim=12, patch=2)
    ours = VisionTransformer(config, Image(1, 4, 6)).eval()
    x = torch.randn(3, 1, 4, 6)
    y = functional.conv2d(x, ours.patches.weight.view(8, 1, 2, 2), ours.patches.bias, stride=2).flatten(2).mT
    y = torch.cat([ours.whole_D.expand(3, 1, -1), y], 1) + ours.positions_PD
    for layer in ours.layers:
        theirs = torch.nn.TransformerEncoderLayer(
            8, 2, 12, 0.0, functional.gelu, 1e-6, batch_first=True, norm_first=True
        )
        theirs.load_state_dict({
            "self_attn.in_proj_weight": layer.attention.weight, "self_attn.in_proj_bias": layer.attention.bias,
            "self_attn.out_proj.weight": layer.output.weight, "self_attn.out_proj.bias": layer.output.bias,
            "linear1.weight": layer.inner.weight, "linear1.bias": layer.inner.bias,
            "linear2.weight": layer.outer.weight, "linear2.bias": layer.outer.bias,
            "norm1.weight": layer.norms[0].weight, "norm1.bias": layer.norms[0].bias,
            "norm2.weight": layer.norms[1].weight, "norm2.bias": layer.norms[1].bias,
        })  # fmt: skip
        y = theirs.train()(y)

    torch.testing.assert_close(ours(x)[0], ours.norm(y[:, 0]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("stride", "sizes"), [(32, (8, 4, 2, 1)), (16, (8, 4, 2, 2)), (8, (8, 4, 4, 4))])
def test_dilation_keeps_the_size_of_the_last_maps(stride, sizes):
    body = ResnetBody(3, depth=18, stride=stride).eval()

    assert tuple(one.shape[-1] for one in body(torch.randn(1, 3, 32, 32))) == sizes


def test_pooling_by_comparing_rows_is_torchs():
    x = torch.randn(2, 3, 7, 8)
    from seqspec.components._layers.resnet import _in_order

    padded = functional.pad(x, (1, 1, 1, 1), value=-torch.inf)

    assert torch.equal(_in_order(_in_order(padded, dim=2), dim=3), pooled(x))


def test_sizes_that_do_not_fit_are_told():
    for encoder, source, words in [
        ({"type": "vision_transformer"}, Image(3, 30, 32), "patches of 16"),
        ({"type": "vision_transformer", "num_heads": 5}, Image(3, 32, 32), "5 heads do not divide"),
        ({"type": "resnet"}, Vector(4), "reads images"),
        ({"type": "mlp"}, Points(3), "reads images or vectors"),
    ]:
        found = faults({"type": "classifier", "encoder": encoder}, {"source": source, "target": Classes(3)})
        assert words in found[0]
    with pytest.raises(Mismatch, match="reads images"):
        VisionTransformerConfig().output(Vector(3))

"""Layers that are worked out again in the backward pass: the same gradients to the bit, less memory."""

import torch
from torch.autograd.graph import saved_tensors_hooks

from seqspec.components.encoder.wav2vec2 import Wav2vec2
from seqspec.schema.encoder.wav2vec2 import Wav2vec2Config
from seqspec.schema.types import Frames

CONFIG = Wav2vec2Config(
    num_layers=4, dim=16, num_heads=2, feed_forward_dim=64, feature_dims=[8], feature_kernels=[10],
    feature_strides=[10], position_kernel=4, position_groups=2, norm_epsilon=1e-5, norm="pre",
    feature_norm="layer", feature_bias=True, train_features=True, dropout=0.2, attention_dropout=0.2,
    feed_forward_dropout=0.2, time_mask=0.3,
)  # fmt: skip


def learned(*, recompute):
    """Gradients by name, the next random number, and the bytes that are held for the backward pass."""
    torch.manual_seed(0)
    encoder = Wav2vec2(CONFIG, Frames(1, rate=16_000)).train()
    for layer in encoder.layers:
        layer.recompute = recompute
    held = []
    with saved_tensors_hooks(lambda x: (held.append(x.numel() * x.element_size()), x)[1], lambda x: x):
        states, _ = encoder(torch.randn(3, 1600, 1), torch.tensor([1600, 900, 400]))
    states.square().sum().backward()
    return {name: p.grad for name, p in encoder.named_parameters()}, torch.rand(()), sum(held)


def test_gradients_are_the_same_to_the_bit_and_less_is_held():
    plain, after, whole = learned(recompute=False)
    again, after_too, less = learned(recompute=True)

    assert all(torch.equal(plain[name], again[name]) for name in plain)
    assert torch.equal(after, after_too)
    assert less < 0.4 * whole

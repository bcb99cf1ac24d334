"""Parts of models, whole and split over two processes: how far are they apart?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh

from seqspec.components._layers.attention import Attention
from seqspec.components._layers.feed_forward import FeedForward
from seqspec.components._layers.grouped_attention import GroupedAttention
from seqspec.components._layers.linear import LOW_RANK, Linear
from seqspec.components._layers.low_rank import LowRank
from seqspec.components._layers.rotary import Rotary
from seqspec.runtime.devices.launch import Place
from seqspec.runtime.devices.sharded_tensors import gathered, is_sharded
from seqspec.runtime.training.strategies.tensor_parallel_model import TensorParallelModel
from tests.components.feed_forward.test_experts import experts

DIM = 8


def attention() -> nn.Module:
    # Without biases: the gradient of the keys' is zero but for rounding.
    return _adapted(Attention(DIM, num_heads=4, dropout=0.3, per_dim_scale=True, bias=False))


def grouped() -> nn.Module:
    options = {"bias": (True, True), "norm_epsilon": 1e-6, "window": None, "dropout": 0.3}
    return _adapted(GroupedAttention(DIM, num_heads=8, num_kv_heads=2, head_dim=4, **options))


def feed_forward() -> nn.Module:
    return _adapted(FeedForward(DIM, inner=12, activation="swiglu", dropout=0.3))


def routed() -> nn.Module:
    module = experts(dim=DIM, inner=6, activation="swiglu", shared=1)
    module.dropout.p = 0.3
    return module


PARTS: Mapping[str, tuple[Callable[[], nn.Module], int]] = {
    "attention": (attention, 8),
    "grouped": (grouped, 11),
    "feed_forward": (feed_forward, 5),
    "routed": (routed, 4),
}
"""What makes a part, and how many of its parameters have to be split."""


def compared(place: Place) -> dict[str, dict[str, float]]:
    """The largest difference of an output and of each gradient over the largest number in it, by part."""
    return {name: _compared(make, split, place) for name, (make, split) in PARTS.items()}


def _compared(make: Callable[[], nn.Module], split: int, place: Place) -> dict[str, float]:
    torch.manual_seed(1)
    part = make()
    x = torch.randn(2, 6, DIM)
    whole = _passed(part, x)
    model = nn.ModuleDict({"part": part})
    mesh = init_device_mesh("cpu", (1, place.world), mesh_dim_names=("data", "tensor"))
    sharded = TensorParallelModel(model, mesh)
    held = [name for name, one in part.named_parameters() if is_sharded(one)]
    assert len(held) == split, held
    shared = _passed(part, x)
    with sharded.gathered():  # Each process by itself, with all weights.
        again = _passed(part, x)
    assert not any(torch.isnan(one).any() for one in again.values())
    assert torch.equal(again["output"], whole["output"])
    return {name: _apart(shared[name], one) for name, one in whole.items()}


def _passed(part: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Output and gradients, with the zeros of dropout that the seed gives."""
    part.zero_grad()
    x = x.clone().requires_grad_()
    torch.manual_seed(2)
    if isinstance(part, GroupedAttention):
        output = part(x, Rotary(4, base=1e4, scaling=None)(0, x.shape[1]), mask=None)
    else:
        output = part(x)
    output.square().sum().backward()
    learned = {
        name: gathered(parameter.grad)
        for name, parameter in part.named_parameters()
        if parameter.grad is not None
    }
    return {"output": output.detach(), "input": x.grad, **learned}


def _apart(given: Tensor, expected: Tensor) -> float:
    return float((given - expected).abs().max() / expected.abs().max().clamp(min=1e-6))


def _adapted(part: Any) -> Any:
    """Every linear layer with a product beside it, which is not zero."""
    for layer in [one for one in part.modules() if isinstance(one, Linear)]:
        beside = LowRank(layer, rank=2, scaling=0.5, dropout=0.3, with_length=False)
        nn.init.normal_(beside.up_OR)
        layer.add_module(LOW_RANK, beside)
    return part

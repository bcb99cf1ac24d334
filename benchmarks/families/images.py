"""Pictures: a residual network and a vision Transformer beside transformers'."""

from __future__ import annotations

import json
from typing import Any

from generative_steps import Family
from torch import Tensor, nn
from torch.nn import functional

from families.contest import Contest, Peer, Turn, momentum
from seqspec.data.batching.batch import Batch

SIZE, ROWS = 64, 16
SETS = (
    "data.image.augment=[]",  # which a run draws as it reads, and the others would find done
    f"data.source.height={SIZE}",
    f"data.source.width={SIZE}",
    f"data.batch.size={ROWS}",
    "data.source.synthetic=400",
)


def resnet() -> Contest:
    """ResNet-18 over 64 × 64 pixels."""

    def transformers(ours: Any) -> Peer:
        from transformers import ResNetConfig, ResNetForImageClassification

        model = ResNetForImageClassification(ResNetConfig(
            embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic",
            num_labels=_classes(ours),
        ))  # fmt: skip
        return [_turn(model, smoothing=0.0)]

    peers = {"transformers": transformers}
    return Contest(Family("image_imagenet_resnet50", SETS), peers, optimizer=momentum, clip=None)


def vision_transformer(layers: int, dim: int, patch: int) -> Contest:
    """ViT over 64 × 64 pixels."""
    encoder = {
        "type": "vision_transformer", "dim": dim, "num_layers": layers, "num_heads": 4,
        "feed_forward_dim": 4 * dim, "patch": patch,
    }  # fmt: skip

    def transformers(ours: Any) -> Peer:
        from transformers import ViTConfig, ViTForImageClassification

        model = ViTForImageClassification(ViTConfig(
            hidden_size=dim, num_hidden_layers=layers, num_attention_heads=4, intermediate_size=4 * dim,
            image_size=SIZE, patch_size=patch, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
            num_labels=_classes(ours),
        ))  # fmt: skip
        return [_turn(model, smoothing=0.11)]

    sets = (*SETS, f"model.encoder={json.dumps(encoder)}")
    return Contest(Family("image_imagenet_vit", sets), {"transformers": transformers})


def _turn(model: nn.Module, *, smoothing: float) -> Turn:
    def loss(batch: Batch) -> Tensor:
        logits = model(pixel_values=batch.source).logits
        return functional.cross_entropy(logits, batch.target.flatten(), label_smoothing=smoothing)

    return Turn(model, loss)


def _classes(ours: Any) -> int:
    return int(ours.head.weight_VD.shape[0])

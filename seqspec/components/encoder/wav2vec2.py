"""wav2vec 2.0's encoder, with group normalisation over an utterance's own frames."""

# B batch, L samples, T frames, C channels, D width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.gated_attention import GatedAttention
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import attention_mask, length_mask
from seqspec.components._layers.positions import RelativeBias
from seqspec.components._layers.transformer_layer import Context, TransformerLayer, make_norm
from seqspec.schema.encoder.wav2vec2 import Wav2vec2Config
from seqspec.schema.types import Frames


class Wav2vec2(nn.Module):
    """Samples ``[B, L, 1]`` to states ``[B, ceil(L / stride), D]``."""

    stacked = ("layers",)

    def __init__(self, config: Wav2vec2Config, source: Frames) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        assert config.norm_epsilon is not None
        stack = config.stack()
        self.stride, self.pre = config.stride, config.norm == "pre"
        self.features = nn.ModuleList(_convolutions(config))
        last = (config.feature_dims or [1])[-1]
        self.projection_norm = nn.LayerNorm(last, eps=config.norm_epsilon)
        self.projection = linear(last, config.dim)
        self.feature_dropout = Dropout(config.feature_dropout)
        self.time_mask, self.time_mask_length = config.time_mask, config.time_mask_length
        self.channel_mask, self.channel_mask_length = config.channel_mask, config.channel_mask_length
        self.mask = nn.Parameter(torch.empty(config.dim).uniform_()) if config.time_mask else None
        self.positions = _Positions(config)
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(_layer(config) for _ in range(config.num_layers))
        self.relative = _relative(config)
        self.norm = make_norm(stack, config.dim)
        self.output_dropout = Dropout(config.output_dropout)
        self.features.requires_grad_(config.train_features)

    def forward(self, x_BL1: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """States and how many of each utterance are real: those whose convolutions saw real samples only."""
        x_BTC, lengths_B = self.latents(x_BL1, lengths_B)
        return self.contextual(x_BTC, lengths_B), lengths_B

    def latents(self, x_BL1: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, T, C]``: what the convolutions give, normalised, and how many of each utterance are real."""
        x_BTC, lengths_B = self._convolve(x_BL1.transpose(1, 2), lengths_B)
        return self.projection_norm(x_BTC), lengths_B

    def contextual(self, x_BTC: Tensor, lengths_B: Tensor, covered_BT: Tensor | None = None) -> Tensor:
        """``[B, T, D]``: states of latents.  ``covered_BT`` says which are masked, in evaluation too; left
        out, masks are drawn while training.
        """
        x_BTD = self.feature_dropout(self.projection(x_BTC))
        real_BT = length_mask(lengths_B, x_BTD.shape[1])
        if covered_BT is not None:
            assert self.mask is not None
            x_BTD = torch.where(covered_BT[..., None], self.mask.to(x_BTD.dtype), x_BTD)
        elif self.training:
            x_BTD = self._masked(x_BTD, lengths_B)
        x_BTD = x_BTD.masked_fill(~real_BT[..., None], 0)
        x_BTD = x_BTD + self.positions(x_BTD)
        x_BTD = self.dropout(x_BTD if self.pre else self.norm(x_BTD))
        size = x_BTD.shape[1]
        mask = attention_mask(lengths_B, size) if self.relative is None else self.relative(size, size)
        context = Context(mask=mask, real_BT=real_BT)
        for layer in self.layers:
            x_BTD = layer(x_BTD, context)
        return self.output_dropout(self.norm(x_BTD) if self.pre else x_BTD)

    def spans(self, length: int, generator: torch.Generator) -> Tensor:
        """``[length]``: the masks of one utterance of so many states, True where one covers."""
        lengths_B = torch.tensor([length])
        return _spans(
            lengths_B, length, share=self.time_mask, length=self.time_mask_length, generator=generator
        )[0]

    def _convolve(self, x_BCL: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Zeros behind the batch give each stride of samples a frame; a frame that sees any is not real."""
        seen = 1
        for layer in reversed(self.features):
            assert isinstance(layer, _Convolution)
            seen = (seen - 1) * layer.stride + layer.kernel
        frames = max(1, -(-x_BCL.shape[2] // self.stride))
        x_BCL = functional.pad(x_BCL, (0, (frames - 1) * self.stride + seen - x_BCL.shape[2]))
        for layer in self.features:
            assert isinstance(layer, _Convolution)
            lengths_B = ((lengths_B - layer.kernel).div(layer.stride, rounding_mode="floor") + 1).clamp(min=0)
            x_BCL = layer(x_BCL, lengths_B)
        return x_BCL.transpose(1, 2), lengths_B

    def _masked(self, x_BTD: Tensor, lengths_B: Tensor) -> Tensor:
        """Section 3.1 of the paper: spans that begin anywhere and may overlap."""
        if self.mask is not None:
            covered_BT = _spans(lengths_B, x_BTD.shape[1], share=self.time_mask, length=self.time_mask_length)
            x_BTD = torch.where(covered_BT[..., None], self.mask.to(x_BTD.dtype), x_BTD)
        if self.channel_mask:
            width_B = torch.full_like(lengths_B, x_BTD.shape[2])
            covered_BD = _spans(
                width_B, x_BTD.shape[2], share=self.channel_mask, length=self.channel_mask_length
            )
            x_BTD = x_BTD.masked_fill(covered_BD[:, None], 0)
        return x_BTD


def _layer(config: Wav2vec2Config) -> TransformerLayer:
    stack = config.stack()
    assert config.dim is not None
    assert config.num_heads is not None
    gated = None
    if config.relative_buckets:
        gated = GatedAttention(config.dim, num_heads=config.num_heads, dropout=config.attention_dropout)
    return TransformerLayer(stack, dim=config.dim, causal=False, self_attention=gated)


def _relative(config: Wav2vec2Config) -> RelativeBias | None:
    """One table of distances for all layers, where there are buckets."""
    if not config.relative_buckets:
        return None
    assert config.num_heads is not None
    assert config.relative_distance is not None
    found = RelativeBias(
        config.num_heads,
        causal=False,
        num_buckets=config.relative_buckets,
        farthest=config.relative_distance,
    )
    nn.init.normal_(found.weight, std=0.02)
    return found


class _Convolution(nn.Module):
    """A convolution, a norm where there is one, and GELU."""

    def __init__(
        self, before: int, dim: int, *, kernel: int, stride: int, bias: bool, norm: str, epsilon: float
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.kind = kernel, stride, norm
        self.convolution = nn.Conv1d(before, dim, kernel, stride, bias=bias)
        nn.init.kaiming_normal_(self.convolution.weight)
        self.norm = nn.LayerNorm(dim, eps=epsilon) if norm != "none" else None

    def forward(self, x_BCT: Tensor, lengths_B: Tensor) -> Tensor:
        x_BCT = self.convolution(x_BCT)
        if self.norm is not None and self.kind == "layer":
            x_BCT = self.norm(x_BCT.transpose(1, 2)).transpose(1, 2)
        elif self.norm is not None:
            x_BCT = self._over_time(x_BCT, lengths_B, self.norm)
        return functional.gelu(x_BCT)

    def _over_time(self, x_BCT: Tensor, lengths_B: Tensor, norm: nn.LayerNorm) -> Tensor:
        """Wu & He (2018), "Group Normalization", arXiv:1803.08494, one channel a group, over real frames."""
        real_B1T = length_mask(lengths_B, x_BCT.shape[2])[:, None]
        count_B11 = lengths_B.clamp(min=1)[:, None, None]
        mean_BC1 = x_BCT.masked_fill(~real_B1T, 0).sum(2, keepdim=True) / count_B11
        centred = x_BCT - mean_BC1
        variance_BC1 = centred.masked_fill(~real_B1T, 0).square().sum(2, keepdim=True) / count_B11
        scaled = centred * (variance_BC1 + norm.eps).rsqrt()
        return scaled * norm.weight[:, None] + norm.bias[:, None]


class _Positions(nn.Module):
    """A wide grouped convolution whose kernel has a learned length at each of its places: Salimans & Kingma
    (2016), "Weight Normalization", arXiv:1602.07868.
    """

    def __init__(self, config: Wav2vec2Config) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.position_kernel is not None
        assert config.position_groups is not None
        self.kernel, self.groups = config.position_kernel, config.position_groups
        size = (config.dim, config.dim // self.groups, self.kernel)
        std = 2 * (self.kernel * config.dim) ** -0.5
        self.direction = nn.Parameter(nn.init.normal_(torch.empty(size), std=std))
        self.length = nn.Parameter(self.direction.detach().norm(dim=(0, 1), keepdim=True))
        self.bias = nn.Parameter(torch.zeros(config.dim))

    def forward(self, x_BTD: Tensor) -> Tensor:
        weight = self.direction * (self.length / self.direction.norm(dim=(0, 1), keepdim=True))
        before = self.kernel // 2
        padded = functional.pad(x_BTD.transpose(1, 2), (before, self.kernel - 1 - before))
        y_BDT = functional.conv1d(padded, weight, self.bias, groups=self.groups)
        return functional.gelu(y_BDT).transpose(1, 2)


def _convolutions(config: Wav2vec2Config) -> list[_Convolution]:
    before, found = 1, []
    sizes = zip(
        config.feature_dims or (), config.feature_kernels or (), config.feature_strides or (), strict=True
    )
    for index, (dim, kernel, stride) in enumerate(sizes):
        norm = config.feature_norm or "group"
        found.append(
            _Convolution(
                before, dim, kernel=kernel, stride=stride, bias=bool(config.feature_bias),
                norm=norm if norm == "layer" or index == 0 else "none", epsilon=1e-5,
            )
        )  # fmt: skip
        before = dim
    return found


def _spans(
    lengths_B: Tensor, size: int, *, share: float, length: int, generator: torch.Generator | None = None
) -> Tensor:
    """``[B, size]``, True where a span covers: share times length over span of them, rounded at random."""
    possible_B = (lengths_B - length + 1).clamp(min=0)
    chance = torch.rand(len(lengths_B), size, device=lengths_B.device, generator=generator)
    rounded = torch.rand(len(lengths_B), device=lengths_B.device, generator=generator)
    count_B = (lengths_B * share / length + rounded).floor().minimum(possible_B)
    places = torch.arange(size, device=lengths_B.device)
    rank = chance.masked_fill(places >= possible_B[:, None], 2.0).argsort(1).argsort(1)
    begins = (rank < count_B[:, None]).float()
    covered = functional.pad(begins, (length - 1, 0))[:, None]
    return functional.max_pool1d(covered, length, stride=1)[:, 0] > 0

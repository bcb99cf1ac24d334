"""What a careful person writes by hand: a pre-norm Transformer on plain PyTorch with every trick that pays on
a CPU.

One matrix for queries, keys and values, ``scaled_dot_product_attention``, dropout masks from random bytes,
the loss worked out with its gradient 256 rows at a time.  Nothing of seqspec is used.
"""

# B batch, T time, D width, V vocabulary

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class TunedTransformer(nn.Module):
    def __init__(
        self, source: int, target: int, *, dim: int, heads: int, inner: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.dim, self.dropout = dim, dropout
        self.source = nn.Embedding(source, dim)
        self.target = nn.Embedding(target, dim)
        self.bias = nn.Parameter(torch.zeros(target))
        self.encoder = nn.ModuleList(Layer(dim, heads, inner, dropout, cross=False) for _ in range(layers))
        self.decoder = nn.ModuleList(Layer(dim, heads, inner, dropout, cross=True) for _ in range(layers))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        for table in (self.source, self.target):
            nn.init.normal_(table.weight, std=dim**-0.5)
        self.register_buffer("places", _sinusoids(512, dim))

    def loss(self, source: Tensor, source_lengths: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        mask = (torch.arange(source.shape[1]) < source_lengths[:, None])[:, None, None]
        x = drop(self.source(source) * math.sqrt(self.dim) + self.places[: source.shape[1]], self.dropout)
        for layer in self.encoder:
            x = layer(x, mask=mask)
        memory = self.encoder_norm(x)
        x = drop(self.target(inputs) * math.sqrt(self.dim) + self.places[: inputs.shape[1]], self.dropout)
        for layer in self.decoder:
            x = layer(x, causal=True, memory=memory, memory_mask=mask)
        hidden, labels = self.decoder_norm(x).flatten(0, 1), labels.flatten()
        real = labels != 0
        return _Loss.apply(hidden[real], self.target.weight, self.bias, labels[real], 0.1)


class Layer(nn.Module):
    def __init__(self, dim: int, heads: int, inner: int, dropout: float, *, cross: bool) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.norm, self.ff_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.up, self.down = nn.Linear(dim, inner), nn.Linear(inner, dim)
        if cross:
            self.query, self.key_value, self.cross_out = (
                nn.Linear(dim, dim),
                nn.Linear(dim, 2 * dim),
                nn.Linear(dim, dim),
            )
            self.cross_norm = nn.LayerNorm(dim)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def forward(
        self,
        x: Tensor,
        *,
        mask: Tensor | None = None,
        causal: bool = False,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
    ) -> Tensor:
        q, k, v = (self._split(part) for part in self.qkv(self.norm(x)).chunk(3, -1))
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        x = x + drop(self.out(y.transpose(1, 2).flatten(2)), self.dropout)
        if memory is not None:
            q = self._split(self.query(self.cross_norm(x)))
            k, v = (self._split(part) for part in self.key_value(memory).chunk(2, -1))
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=memory_mask)
            x = x + drop(self.cross_out(y.transpose(1, 2).flatten(2)), self.dropout)
        return x + drop(self.down(torch.relu(self.up(self.ff_norm(x)))), self.dropout)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, p):
        level = round(p * 256)
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        mask = torch.empty_like(x)
        torch.ge(words.view(torch.uint8)[: x.numel()].view(x.shape), level, out=mask)
        mask.mul_(256 / (256 - level))
        ctx.save_for_backward(mask)
        return x * mask

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None


def drop(x: Tensor, p: float) -> Tensor:
    return _Drop.apply(x, p)


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, bias, labels, smoothing):
        total = hidden.new_zeros(())
        grads = torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)
        for start in range(0, len(hidden), 256):
            rows, at = hidden[start : start + 256], labels[start : start + 256, None]
            log_p = functional.linear(rows, weight, bias).log_softmax(-1)
            total -= (1 - smoothing) * log_p.gather(1, at).sum() + smoothing * log_p.mean(-1).sum()
            slope = log_p.exp_().sub_(smoothing / len(weight))
            slope.scatter_add_(1, at, slope.new_full(at.shape, smoothing - 1))
            torch.mm(slope, weight, out=grads[0][start : start + 256])
            grads[1].addmm_(slope.T, rows)
            grads[2].add_(slope.sum(0))
        ctx.save_for_backward(*grads)
        return total

    @staticmethod
    def backward(ctx, grad):
        hidden, weight, bias = ctx.saved_tensors
        return hidden * grad, weight * grad, bias * grad, None, None


class PlainTransformer(nn.Module):
    """What a tutorial shows: ``nn.Transformer``, torch's dropout, all logits at once."""

    def __init__(
        self, source: int, target: int, *, dim: int, heads: int, inner: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.dim = dim
        self.source, self.target = (
            nn.Embedding(source, dim, padding_idx=0),
            nn.Embedding(target, dim, padding_idx=0),
        )
        self.drop = nn.Dropout(dropout)
        self.body = nn.Transformer(
            dim, heads, layers, layers, inner, dropout, norm_first=True, batch_first=True
        )
        self.head = nn.Linear(dim, target)
        self.head.weight = self.target.weight
        self.register_buffer("places", _sinusoids(512, dim))

    def loss(self, source: Tensor, source_lengths: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        padding = torch.arange(source.shape[1]) >= source_lengths[:, None]
        x = self.drop(self.source(source) * math.sqrt(self.dim) + self.places[: source.shape[1]])
        y = self.drop(self.target(inputs) * math.sqrt(self.dim) + self.places[: inputs.shape[1]])
        causal = nn.Transformer.generate_square_subsequent_mask(inputs.shape[1])
        hidden = self.body(
            x,
            y,
            tgt_mask=causal,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        logits = self.head(hidden).flatten(0, 1)
        return functional.cross_entropy(
            logits, labels.flatten(), ignore_index=0, label_smoothing=0.1, reduction="sum"
        )


def _sinusoids(size: int, dim: int) -> Tensor:
    rates = torch.exp(torch.arange(0, dim, 2) * (-math.log(1e4) / dim))
    angles = torch.arange(size)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)

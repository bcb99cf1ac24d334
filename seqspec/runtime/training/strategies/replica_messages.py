"""What a replica sends when it meets the others: how far each of its tensors has come, in few bits.

Douillard et al. (2025), "Streaming DiLoCo with overlapping communication: Towards a Distributed Free Lunch",
arXiv:2501.18512, send 4 bits a value, as floating-point numbers without mantissa.  Here these are whole
numbers with a scale for each block of a tensor, as in Dettmers et al. (2022), "8-bit Optimizers via
Block-wise Quantization", arXiv:2110.02861.  ``sign`` is each value's sign and a block's mean magnitude, as in
Karimireddy et al. (2019), "Error Feedback Fixes SignSGD and other Gradient Compression Schemes",
arXiv:1901.09847.
"""

# N values of a tensor, K blocks

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqspec.schema.procedure._procedure import BITS, BLOCK, LEVELS, SCALED, Exchange


def packed(values: Sequence[Tensor], forms: Sequence[Exchange]) -> Tensor:
    """The message, as bytes ``[N]``: ``values`` one after another, each in its form."""
    parts = [_bytes_of(one, form) for one, form in zip(values, forms, strict=True)]
    return torch.cat([torch.empty(0, dtype=torch.uint8, device=values[0].device), *parts])


def unpacked(message_N: Tensor, like: Sequence[Tensor], forms: Sequence[Exchange]) -> list[Tensor]:
    """What ``packed`` was given, rounded to what its form can say, in float32 and the shapes of ``like``."""
    sizes = [form_bytes(one.numel(), form) for one, form in zip(like, forms, strict=True)]
    parts = message_N.split(sizes)
    return [
        _values_of(part, one.numel(), form).view(one.shape)
        for part, one, form in zip(parts, like, forms, strict=True)
    ]


def form_bytes(count: int, form: Exchange) -> int:
    """Bytes of so many values of one tensor."""
    return -(-count * BITS[form] // 8) + (4 * -(-count // BLOCK) if form in SCALED else 0)


def _bytes_of(values: Tensor, form: Exchange) -> Tensor:
    flat_N, count = values.reshape(-1).float(), values.numel()
    if form not in SCALED:
        return flat_N.to(getattr(torch, form)).view(torch.uint8)
    if form == "sign":
        return torch.cat([_magnitudes(flat_N).view(torch.uint8), _bits(flat_N >= 0)])
    blocks_KN = torch.nn.functional.pad(flat_N, (0, -count % BLOCK)).view(-1, BLOCK)
    scales_K = blocks_KN.abs().amax(1) / LEVELS[form]
    # To the nearest, halves to even.  A block of zeros has scale 0; what is not finite makes its scale so.
    codes_N = (blocks_KN / scales_K.clamp(min=torch.finfo().tiny)[:, None]).round().view(-1)[:count]
    codes_N = codes_N.nan_to_num().clamp(-LEVELS[form], LEVELS[form]).to(torch.int8)
    if form == "int4":
        pairs = (torch.nn.functional.pad(codes_N, (0, count % 2)) + 8).view(torch.uint8).view(-1, 2)
        codes_N = pairs[:, 0] + 16 * pairs[:, 1]
    return torch.cat([scales_K.view(torch.uint8), codes_N.view(torch.uint8)])


def _magnitudes(flat_N: Tensor) -> Tensor:
    """The mean magnitude of each block."""
    sizes = [BLOCK] * (len(flat_N) // BLOCK) + [len(flat_N) % BLOCK] * bool(len(flat_N) % BLOCK)
    blocks_KN = torch.nn.functional.pad(flat_N.abs(), (0, -len(flat_N) % BLOCK)).view(-1, BLOCK)
    return blocks_KN.sum(1) / torch.tensor(sizes, dtype=torch.float32, device=flat_N.device)


def _bits(flags_N: Tensor) -> Tensor:
    """Eight a byte, the first the lowest."""
    flags_B8 = torch.nn.functional.pad(flags_N, (0, -len(flags_N) % 8)).view(-1, 8)
    return (flags_B8.to(torch.uint8) << _places(flags_N)).sum(1, dtype=torch.uint8)


def _places(like: Tensor) -> Tensor:
    return torch.arange(8, dtype=torch.uint8, device=like.device)


def _values_of(message_N: Tensor, count: int, form: Exchange) -> Tensor:
    if form not in SCALED:
        return message_N.clone().view(getattr(torch, form)).float()
    scales = 4 * -(-count // BLOCK)
    scales_K, codes_N = message_N[:scales].clone().view(torch.float32), message_N[scales:]
    if form == "int4":
        codes_N = torch.stack([codes_N % 16, codes_N // 16], dim=1).view(-1)[:count].to(torch.int8) - 8
    elif form == "sign":
        codes_N = 2 * (codes_N[:, None] >> _places(codes_N) & 1).view(-1)[:count].to(torch.int8) - 1
    codes_KN = torch.nn.functional.pad(codes_N.view(torch.int8), (0, -count % BLOCK)).view(-1, BLOCK)
    return (codes_KN * scales_K[:, None]).view(-1)[:count]

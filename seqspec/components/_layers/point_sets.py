"""Which points lie near which: nearest neighbours, balls, and points that lie far apart.

Qi, Yi, Su and Guibas (2017), "PointNet++: Deep Hierarchical Feature Learning on Point Sets in a Metric
Space", NeurIPS, arXiv:1706.02413, section 3.2.  Nothing is drawn by chance: of points at the same distance
the earlier one is taken, so the same sets give the same indices on every machine that rounds alike.
"""

# B batch, N points, S chosen points, K neighbours, C features

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components._layers.exported_points import exported_farthest, exported_nearest
from seqspec.components._layers.masks import length_mask

TINY = 1e-8
"""Added to squared distances, as the published code does."""


def gather_points(x_BNC: Tensor, index: Tensor) -> Tensor:
    """``[B, …, C]``: the points that ``[B, …]`` indices name; rows are added up in order in the gradient."""
    first = torch.arange(x_BNC.shape[0], device=x_BNC.device) * x_BNC.shape[1]
    flat = index + first.view(-1, *[1] * (index.dim() - 1))
    return x_BNC.flatten(0, 1).index_select(0, flat.flatten()).view(*index.shape, x_BNC.shape[2])


@torch.no_grad()
def nearest_neighbors(x_BNC: Tensor, lengths_B: Tensor, *, count: int) -> Tensor:
    """``[B, N, K]``: the points nearest to each, itself first unless another lies at the same place, of equal
    distances the earlier.

    A set of fewer than ``count`` points fills up with the point itself.
    """
    if torch.compiler.is_exporting():
        return exported_nearest(x_BNC, lengths_B, count=count)
    return torch.stack([_nearest(x_NC, length, count) for x_NC, length in zip(x_BNC, lengths_B, strict=True)])


def _nearest(x_NC: Tensor, length: Tensor, count: int) -> Tensor:
    """Set by set, as a table of all distances of a batch would be the largest thing in memory."""
    numbers_N = torch.arange(len(x_NC), device=x_NC.device)
    exact = "donot_use_mm_for_euclid_dist"  # a product of matrices rounds equal distances apart
    distances_NN = torch.cdist(x_NC.float(), x_NC.float(), compute_mode=exact)
    distances_NN = distances_NN.masked_fill(numbers_N >= length, torch.inf)
    # Bits of floats that are not negative sort as the floats do; the index below them makes every key
    # another.
    keys_NN = (distances_NN.view(torch.int32).long() << 32) | numbers_N
    found_NK = keys_NN.topk(min(count, len(x_NC)), largest=False, sorted=True).values
    index_NK = found_NK & 0xFFFFFFFF
    index_NK = torch.where(index_NK < length, index_NK, numbers_N[:, None])
    missing = count - index_NK.shape[1]
    return torch.cat([index_NK, numbers_N[:, None].expand(-1, missing)], dim=1) if missing else index_NK


@torch.no_grad()
def farthest_points(x_BNC: Tensor, lengths_B: Tensor, *, count: int) -> Tensor:
    """``[B, S]``: the first point, then again and again the point that is farthest from those chosen, of
    equal ones the first.  A set of fewer points gives them all, then its first again.
    """
    real_BN = length_mask(lengths_B, x_BNC.shape[1])
    if torch.compiler.is_exporting():
        return exported_farthest(x_BNC, real_BN, count=count)
    distance_BN = torch.where(real_BN, torch.inf, -1.0)
    chosen_B = lengths_B.new_zeros(x_BNC.shape[0])
    found = [chosen_B]
    for _ in range(count - 1):
        last_B1C = gather_points(x_BNC, chosen_B[:, None])
        distance_BN = torch.minimum(distance_BN, (x_BNC - last_B1C).square().sum(2))
        chosen_B = distance_BN.argmax(1)
        found.append(chosen_B)
    return torch.stack(found, dim=1)


@torch.no_grad()
def points_in_ball(
    x_BNC: Tensor, lengths_B: Tensor, centers_BSC: Tensor, *, radius: float, count: int
) -> Tensor:
    """``[B, S, K]``: the first ``count`` points no farther than ``radius`` from each centre, by number.
    Where there are fewer, the first of them again; where there is none, point 0.
    """
    size = x_BNC.shape[1]
    numbers_N = torch.arange(size, device=x_BNC.device)
    squares_BSN = torch.stack(
        [x_BNC[:, None, :, i] - centers_BSC[:, :, None, i] for i in range(x_BNC.shape[2])]
    )
    within_BSN = (squares_BSN.square_().sum(0) <= radius**2) & length_mask(lengths_B, size)[:, None]
    numbers_BSN = torch.where(within_BSN, numbers_N, size)
    index_BSK = numbers_BSN.topk(min(count, size), largest=False, sorted=True).values
    if count > size:
        index_BSK = torch.cat([index_BSK, index_BSK.new_full((*index_BSK.shape[:2], count - size), size)], 2)
    first_BS1 = index_BSK[:, :, :1]
    first_BS1 = first_BS1.masked_fill(first_BS1 == size, 0)
    return torch.where(index_BSK < size, index_BSK, first_BS1)


def interpolated(
    x_BSC: Tensor, places_BSC: Tensor, lengths_B: Tensor, at_BNC: Tensor, *, nearest: int
) -> Tensor:
    """``[B, N, C]``: features at other places, the mean of those of the ``nearest`` points by the inverse of
    their squared distance (equation 2 of PointNet++); a set of one point gives its features everywhere.
    """
    squares_BNS = (at_BNC[:, :, None] - places_BSC[:, None]).square().sum(3)
    squares_BNS = squares_BNS.masked_fill(~length_mask(lengths_B, x_BSC.shape[1])[:, None], torch.inf)
    found = squares_BNS.topk(min(nearest, x_BSC.shape[1]), largest=False, sorted=True)
    weights_BNK = _inverse(found.values)
    weights_BNK = weights_BNK / weights_BNK.sum(2, keepdim=True)
    return (gather_points(x_BSC, found.indices) * weights_BNK[..., None]).sum(2)


def _inverse(squares: Tensor) -> Tensor:
    """What weighs a point at a squared distance, up to a factor; a point at the place itself has it alone."""
    if torch.onnx.is_in_onnx_export():  # Its optimiser takes so small a summand for zero.
        return 1 / (squares / TINY + 1)
    return 1 / (squares + TINY)

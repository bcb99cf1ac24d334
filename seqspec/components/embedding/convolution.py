"""Strided convolutions over frames: Tensor2Tensor's front end for speech; time is padded, so no frame at the
edges is lost.
"""

# B batch, T frames, C channels, F bins, D width

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.masked_relu import masked_relu
from seqspec.components._layers.masks import length_mask
from seqspec.schema.embedding.convolution import ConvolutionConfig
from seqspec.schema.types import Frames


class Convolution(nn.Module):
    """Convolution without a bias, layer normalisation over the filters and ReLU, a layer."""

    def __init__(self, config: ConvolutionConfig, source: Frames) -> None:
        super().__init__()
        assert config.dim is not None
        self.dim = config.dim
        self.channels = source.channels
        inputs = [source.channels] + [config.filters] * (config.num_layers - 1)
        self.strided = nn.ModuleList(
            nn.Conv2d(channels, config.filters, 3, stride=2, padding=(1, 0), bias=False)
            for channels in inputs
        )
        self.norms = nn.ModuleList(nn.LayerNorm(config.filters, eps=1e-6) for _ in inputs)
        self.last = nn.Conv2d(
            config.filters, config.dim, (3, config.bins_left(source)), padding=(1, 0), bias=False
        )
        self.norm = nn.LayerNorm(config.dim, eps=1e-6)
        for layer in (*self.strided, self.last):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x_BTF: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Gives ``[B, ceil(T / stride), D]`` and the new lengths; padding changes no real frame."""
        real_BTF = x_BTF * length_mask(lengths_B, x_BTF.shape[1])[..., None]
        x_BCTF = real_BTF.unflatten(-1, (self.channels, -1)).transpose(1, 2)
        for convolution, norm in zip(self.strided, self.norms, strict=True):
            x_BTFC = norm(convolution(x_BCTF).movedim(1, -1))
            lengths_B = (lengths_B + 1) // 2
            x_BCTF = masked_relu(x_BTFC, length_mask(lengths_B, x_BTFC.shape[1])).movedim(-1, 1)
        x_BTD = self.last(x_BCTF).squeeze(3).transpose(1, 2)
        return functional.relu(self.norm(x_BTD)), lengths_B

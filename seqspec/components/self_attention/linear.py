"""Linear attention."""

# B batch, N hypotheses, T time, D width, H heads, M features

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers import kernel_attention
from seqspec.components._layers.kernel_attention import Features, Sums
from seqspec.components._layers.projections import merge, project, projections
from seqspec.schema.self_attention.linear import LinearConfig
from seqspec.schema.types import States


class Linear(nn.Module):
    """The names of the linear layers are those of full attention."""

    def __init__(self, config: LinearConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        config.without_dropout()
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.causal = source.causal
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bool(config.bias))

    def forward(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: None = None) -> Tensor:
        """``[B, T, D]``; what is not real changes nothing that is."""
        given = self._features(x_BTD, real_BT=real_BT)
        mixed = kernel_attention.causal(given) if self.causal else kernel_attention.both_ways(given)
        return self.output(merge(mixed.to(x_BTD.dtype)))

    def no_past(self, *, examples: int) -> Sums:
        """Nothing read yet."""
        size = len(self.key.weight) // self.num_heads
        return kernel_attention.nothing(
            examples=examples,
            num_heads=self.num_heads,
            features=size,
            size=size,
            device=self.key.weight.device,
        )

    def step(self, x_ND: Tensor, past: Sums, *, position: int) -> tuple[Tensor, Sums]:
        """One more position of each hypothesis of a decoder."""
        mixed, past = kernel_attention.step(self._features(x_ND[:, None], start=position), past)
        return self.output(merge(mixed.to(x_ND.dtype)))[:, 0], past

    def _features(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, start: int = 0) -> Features:
        queries, keys, values = (part.float() for part in project(self, x_BTD, start=start))
        keys = functional.elu(keys) + 1
        if real_BT is not None:
            keys = keys * real_BT[:, None, :, None]
        return Features(functional.elu(queries) + 1, keys, values)

"""Autoencoder with a table of codes."""

# B batch, D width of a code, H height, W width

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.codebook import Codebook, Quantized
from seqspec.components._layers.image_likelihood import ImageLikelihood
from seqspec.components._layers.pixels import images, signed
from seqspec.components.graphs import Axes, Function, Graph, Substitute
from seqspec.components.outputs import Only, Output, Term, wanted
from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.vq_vae import VqVaeConfig
from seqspec.schema.types import Image, Type

SHOWN = 16


class VqVae(nn.Module):
    """Deterministic but for pixels that are binarised and codes that are revived."""

    def __init__(self, config: VqVaeConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        image = takes["source"]
        assert isinstance(image, Image)
        assert config.code_dim is not None
        self.encoder = parts("encoder")
        self.codebook = Codebook(
            config.codes, config.code_dim, decay=config.decay, revive_below=config.revive_below
        )
        self.decoder = parts("decoder")
        self.likelihood = ImageLikelihood(config, channels=image.channels)

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``reconstruction``: nats of each image under its codes; ``commitment``: a mean over images."""
        wanted_BCHW = self.likelihood.target(signed(batch))
        quantized = self._quantized(wanted_BCHW)
        count = torch.tensor(len(wanted_BCHW), device=wanted_BCHW.device)
        found: dict[str, Output] = {}
        if wanted("reconstruction", only):
            nll_B = self.likelihood.nll(self.decoder(quantized.codes_BDHW), wanted_BCHW)
            found["reconstruction"] = Term(nll_B.sum(), count)
        if wanted("commitment", only):
            found["commitment"] = Term(quantized.distance_B.sum(), count)
        return found

    def codes(self, batch: Batch) -> Tensor:
        """``[B, H, W]``: the code at each place of the map."""
        return self._index(self.likelihood.target(signed(batch)))

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``encode`` images into maps of codes, and ``decode`` these into images."""

        def encode(x_BCHW: Tensor) -> tuple[Tensor, ...]:
            return (self._index(x_BCHW),)

        def decode(codes_BHW: Tensor) -> tuple[Tensor, ...]:
            return (self._image(codes_BHW),)

        told = self.likelihood.target(signed(batch))
        image: Axes = ("batch", None, None, None)
        codes: Axes = ("batch", None, None)
        return (
            Graph("encode", Function(self, encode), {"image": told}, {"image": image}, {"codes": codes},
                  f"The number of the code at each place of the map; {self.likelihood.range}."),
            Graph("decode", Function(self, decode), {"codes": self._index(told)}, {"codes": codes},
                  {"image": image}, "The expected image in [-1, 1] of each map of codes."),
        )  # fmt: skip

    def substitutes(self, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
        """The methods that ``decode`` calls, by the graphs in another runtime."""
        return {
            "_index": lambda x_BCHW: graphs["encode"](x_BCHW)[0],
            "_image": lambda codes_BHW: graphs["decode"](codes_BHW)[0],
        }

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-likelihood of each image given its codes, whose own cost is left out."""
        wanted_BCHW = self.likelihood.target(signed(batch))
        return -self.likelihood.nll(self.decoder(self._quantized(wanted_BCHW).codes_BDHW), wanted_BCHW)

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[ImagePrediction]]:
        """Each image as its codes are decoded."""
        wanted_BCHW = self.likelihood.target(signed(batch))
        return [[one] for one in images(self._image(self._index(wanted_BCHW)))]

    def references(self, batch: Batch) -> list[ImagePrediction]:
        """The images of the data."""
        return images(signed(batch))

    def show(self, batch: Batch, search: Any = None) -> dict[str, list[ImagePrediction]]:
        """Images above their reconstructions."""
        made = [one[0] for one in self.decode(batch)]
        return {"originals": self.references(batch)[:SHOWN], "reconstructions": made[:SHOWN]}

    def _index(self, x_BCHW: Tensor) -> Tensor:
        return self._quantized(x_BCHW).index_BHW

    def _image(self, codes_BHW: Tensor) -> Tensor:
        return self.likelihood.mean(self.decoder(self.codebook.vectors(codes_BHW)))

    def _quantized(self, x_BCHW: Tensor) -> Quantized:
        grid_BDHW, _ = self.encoder(x_BCHW, None)
        quantized: Quantized = self.codebook(grid_BDHW)
        return quantized

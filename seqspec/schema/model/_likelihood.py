"""How likely the pixels of an image are, given what a decoder says of them."""

from __future__ import annotations

from typing import Literal

from seqspec.schema.config import Config


class ImageLikelihoodConfig(Config):
    """What models share that decode a latent variable to an image."""

    likelihood: Literal["bernoulli", "logistic", "gaussian"] = "logistic"
    """``bernoulli`` of black and white pixels; ``logistic``, discretised, of the 256 values of a channel,
    with a learned scale for each channel (Salimans et al. 2017, "PixelCNN++", arXiv:1701.05517, section 2.1);
    ``gaussian``, a density around values in [-1, 1] with a learned deviation, which gives no bits.
    """
    binarize: Literal["stochastic", "threshold", "grey"] = "stochastic"
    """How pixels become black and white for ``bernoulli``: drawn with their brightness as the probability,
    anew each time; by whether they are brighter than half; or not at all, in which case the number is no
    likelihood.
    """

    @property
    def bits(self) -> bool:
        """Whether the likelihood is of discrete values, so that it can be told in bits per dimension."""
        return self.likelihood == "logistic" or (self.likelihood == "bernoulli" and self.binarize != "grey")

"""Few steps back: Song et al. (2021), "Denoising Diffusion Implicit Models", arXiv:2010.02502, equation
12.
"""

from seqspec.schema.search._images import ImageSearchConfig, Steps
from seqspec.schema.units import Fraction


class DdimConfig(ImageSearchConfig):
    """Steps spread evenly over the process, each along the image that the network sees."""

    steps: Steps = 50
    """Steps."""
    eta: Fraction = 0.0
    """New noise, as a share of that of `ddpm` with the small variance; with none the noise decides the image.
    """

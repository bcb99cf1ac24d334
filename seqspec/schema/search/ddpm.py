"""Every step back with new noise: Ho et al. (2020), "Denoising Diffusion Probabilistic Models",
arXiv:2006.11239, algorithm 2.
"""

from typing import Literal

from seqspec.schema.search._images import ImageSearchConfig


class DdpmConfig(ImageSearchConfig):
    """As many steps as the process has."""

    variance: Literal["large", "small"] = "large"
    """Of the noise of a step: that of the step itself, or that of its posterior (section 3.2)."""

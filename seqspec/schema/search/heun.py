"""Steps along a flow that are corrected: Karras et al. (2022), "Elucidating the Design Space of
Diffusion-Based Generative Models", arXiv:2206.00364, algorithm 1 without new noise.
"""

from typing import ClassVar

from seqspec.schema.search._images import ImageSearchConfig, Steps


class HeunConfig(ImageSearchConfig):
    """Heun's method, of second order, from noise to image in even steps."""

    path: ClassVar[str] = "flow"

    steps: Steps = 25
    """Steps; each asks the network twice."""

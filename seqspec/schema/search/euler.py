"""Straight steps along a flow: Liu et al. (2023), "Flow Straight and Fast", arXiv:2209.03003, section 2.1."""

from typing import ClassVar

from seqspec.schema.search._images import ImageSearchConfig, Steps


class EulerConfig(ImageSearchConfig):
    """Euler's method, from noise to image in even steps."""

    path: ClassVar[str] = "flow"

    steps: Steps = 50
    """Steps; each asks the network once."""

"""Lovász-softmax: Berman et al. (2018), "The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization
of the Intersection-Over-Union Measure in Neural Networks", arXiv:1705.08790.
"""

from seqspec.schema.loss._pixels import PixelLossConfig


class LovaszConfig(PixelLossConfig):
    """A smooth stand-in for the mean intersection over union of the classes that an image holds."""

"""Mixtures of two images: Zhang, Cisse, Dauphin and Lopez-Paz (2018), "mixup: Beyond Empirical Risk
Minimization", ICLR, arXiv:1710.09412.
"""

from seqspec.schema.augment._mixing import MixingConfig
from seqspec.schema.units import PositiveFloat


class MixupConfig(MixingConfig):
    """Each value of an image becomes a weighted mean of its own and of another image's; the label's
    probability is shared likewise.
    """

    alpha: PositiveFloat = 0.2
    """Both parameters of the beta distribution from which an image's own weight is drawn; the paper takes 0.2
    for ImageNet and 1 for CIFAR-10.
    """

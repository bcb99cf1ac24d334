"""Gradient penalty: Gulrajani et al. (2017), "Improved Training of Wasserstein GANs", arXiv:1704.00028,
equation 3.
"""

from typing import ClassVar

from seqspec.schema.loss._adversarial import AdversarialLossConfig


class GradientPenaltyConfig(AdversarialLossConfig):
    """Keeps the norm of the critic's gradient near 1 at random places between data and generated images; the
    paper's weight is 10.
    """

    of_critic: ClassVar[bool] = True

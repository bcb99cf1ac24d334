"""R1: Mescheder et al. (2018), "Which Training Methods for GANs do actually Converge?", arXiv:1801.04406,
equation 9.
"""

from typing import ClassVar

from seqspec.schema.loss._adversarial import AdversarialLossConfig


class R1PenaltyConfig(AdversarialLossConfig):
    """Half the squared norm of the critic's gradient at the data; the paper's weight is 10."""

    of_critic: ClassVar[bool] = True

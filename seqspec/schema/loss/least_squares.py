"""Least squares of adversarial training: Mao et al. (2017), "Least Squares Generative Adversarial
Networks", arXiv:1611.04076, equation 9.
"""

from seqspec.schema.loss._adversarial import AdversarialLossConfig


class LeastSquaresConfig(AdversarialLossConfig):
    """The critic gives 1 to data and 0 to what is generated; the generator wants 1."""

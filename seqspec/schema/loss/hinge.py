"""Hinge loss of adversarial training: Lim & Ye (2017), "Geometric GAN", arXiv:1705.02894; Miyato et al.
(2018), arXiv:1802.05957, equations 16 and 17.
"""

from seqspec.schema.loss._adversarial import AdversarialLossConfig


class HingeConfig(AdversarialLossConfig):
    """Scores beyond a margin of 1 teach the critic nothing more; the generator makes its scores large."""

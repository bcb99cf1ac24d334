"""Wasserstein loss of adversarial training: Arjovsky et al. (2017), "Wasserstein GAN", arXiv:1701.07875."""

from seqspec.schema.loss._adversarial import AdversarialLossConfig


class WassersteinConfig(AdversarialLossConfig):
    """The difference of the mean scores; `gradient_penalty` beside it keeps the critic smooth."""

"""The first adversarial loss with its non-saturating generator: Goodfellow et al. (2014), "Generative
Adversarial Nets", arXiv:1406.2661, section 3.
"""

from seqspec.schema.loss._adversarial import AdversarialLossConfig


class NonSaturatingConfig(AdversarialLossConfig):
    """Cross entropy of real against generated; the generator makes its images' log-probability of being real
    large.
    """

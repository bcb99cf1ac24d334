"""A rectangle of another image: Yun, Han, Oh, Chun, Choe and Yoo (2019), "CutMix: Regularization Strategy to
Train Strong Classifiers with Localizable Features", ICCV, arXiv:1905.04899.
"""

from seqspec.schema.augment._mixing import MixingConfig


class CutmixConfig(MixingConfig):
    """Puts a rectangle of another image into each, at the same place; the labels share the probability as the
    images share the area.  The paper's settings are the defaults.
    """

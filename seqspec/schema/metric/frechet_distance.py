"""Fréchet distance of two sets of images: Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter (2017), "GANs
Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", NeurIPS, arXiv:1706.08500.
"""

from seqspec.schema.metric._feature_run import FeatureRunConfig


class FrechetDistanceConfig(FeatureRunConfig):
    """The distance of the two normal distributions that have the means and covariances of the images'
    features. It is no FID, which names one network; and it falls with the number of images, which the
    signature tells.
    """

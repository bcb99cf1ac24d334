"""Sampled softmax: a few drawn ids stand for the whole vocabulary while training."""

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Logits, Type
from seqspec.schema.units import Positive


class SampledSoftmaxConfig(LossConfig):
    """Jean et al. (2015), "On Using Very Large Target Vocabulary for Neural Machine Translation",
    arXiv:1412.2007; importance sampling of the normaliser as in Bengio & Senecal (2008).

    Ids are drawn as if their frequency fell like one over their rank, so they must go from frequent to rare,
    as those of tokenizer ``words`` do.  Evaluation is exact.
    """

    num_samples: Positive = 8192
    """Ids that are drawn a batch, with replacement, and shared by its targets."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Logits) or source.blank or source.factored or not source.stride:
            raise Mismatch(
                f"a sampled softmax needs a plain linear head over tokens, and the model gives {source}",
                help="use loss `cross_entropy`",
            )
        return source

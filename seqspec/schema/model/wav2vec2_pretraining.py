"""Learning from speech without labels: Baevski et al. (2020), "wav2vec 2.0: A Framework for Self-Supervised
Learning of Speech Representations", arXiv:2006.11477, sections 2 and 3.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, CodeUse, Counted, Frames, Outputs, Poison, States, Type
from seqspec.schema.units import Dim, Positive, PositiveFloat, Probability


class Wav2vec2PretrainingConfig(Config):
    """Spans of an encoder's latents are masked, and at each masked state the right quantised latent has to be
    told from those of other masked states of the utterance.

    Masks, negatives and Gumbel noise of an example follow from the step and its row alone, so micro-batches
    change none of them; in evaluation they never change.  The mask is the encoder's: ``time_mask`` 0.65 and
    ``time_mask_length`` 10 in the paper.  The penalty on the size of latents in the authors' code, and their
    smaller gradient for the convolutions, are left out.
    """

    has_more_weights: ClassVar[bool] = True
    """A quantiser and two projections stand beside the encoder."""

    encoder: Annotated[Config, Slot("encoder")]
    """Gives latents and, of masked ones, states: `wav2vec2`."""
    groups: Annotated[int, Field(ge=1, le=8)] = 2
    """Tables of codes, each of which gives a part of a quantised latent."""
    codes: Annotated[int, Field(ge=2, le=65_536)] = 320
    """Codes of each table."""
    code_dim: Dim = 256
    """Width of a quantised latent, over all tables."""
    compared_dim: Dim = 256
    """Width in which states and quantised latents are compared."""
    negatives: Positive = 100
    """Wrong latents that stand beside the right one, drawn with replacement."""
    temperature: PositiveFloat = 0.1
    """What cosines are divided by."""
    gumbel_start: PositiveFloat = 2.0
    """Temperature of the choice of codes in the first step."""
    gumbel_end: PositiveFloat = 0.5
    """What it falls to at most."""
    gumbel_decay: Probability = 0.999995
    """What it is multiplied by after each step."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``contrastive``, a mean over examples of the mean over their masked states; ``codes``, how often
        each code is used.
        """
        states = flow.node("encoder", source.get("source", Poison()))
        if isinstance(states, Poison):
            return Outputs({"contrastive": Poison(), "codes": Poison()})
        if not isinstance(source["source"], Frames) or not isinstance(states, States):
            raise Mismatch(f"`wav2vec2_pretraining` reads samples, and the source is {source['source']}")
        self._check_encoder()
        require_shares(self.code_dim, self.groups, key="code_dim", what="groups")
        counted = Counted("source", "examples")
        return Outputs({"contrastive": Auxiliary(1.0, counted), "codes": CodeUse(self.groups, self.codes)})

    def _check_encoder(self) -> None:
        """Raises ``Mismatch`` where the encoder masks nothing, or its convolutions stand still."""
        if not hasattr(self.encoder, "latent_dim"):
            raise Mismatch(
                "the encoder has no latents that could be quantised",
                at=("encoder",),
                help="use encoder `wav2vec2`",
            )
        if not getattr(self.encoder, "time_mask", 0.0):
            raise Mismatch(
                "nothing is masked, so there is nothing to tell",
                at=("encoder",),
                help="set `time_mask: 0.65` on the encoder, as the paper does",
            )
        if not getattr(self.encoder, "train_features", True):
            raise Mismatch(
                "the encoder's convolutions would stay as they are at random",
                at=("encoder",),
                help="set `train_features: true` on the encoder",
            )

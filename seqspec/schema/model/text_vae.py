"""Variational autoencoder of texts: Bowman, Vilnis, Vinyals, Dai, Jozefowicz and Bengio (2016), "Generating
Sentences from a Continuous Space", CoNLL, arXiv:1511.06349.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._embed import embed
from seqspec.schema.model._pooling import Pooling, pooled
from seqspec.schema.slot import Slot
from seqspec.schema.types import Gaussian, Likelihood, Outputs, Poison, States, Tokens, Type, Vector
from seqspec.schema.units import Dim, InferredMark, Positive, Probability


class TextVaeConfig(Config):
    """An encoder gives the posterior of a latent vector, a decoder the text of one; the prior is the standard
    normal distribution.

    The decoder looks at the latent vector at every step, where the paper hands it over as the first state.
    """

    usual_metric: ClassVar[str] = "elbo"
    reads_packed: ClassVar[bool] = False

    latent: Dim = 16
    """Features of the latent vector."""
    memory: Positive = 4
    """States that the latent vector is spread over for the decoder to look at, each as wide as the encoder's
    vector; of one, attention has nothing to choose.
    """
    word_dropout: Probability = 0.0
    """Rate at which the ids that the decoder reads become the unknown one while it learns, so that it has to
    ask the latent vector (section 3.1).
    """
    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How the text's ids become the vectors that the encoder reads; left out, they are looked up."""
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the text."""
    pooling: Annotated[Pooling | None, InferredMark()] = None
    """How the encoder's states become one vector: their mean, the first, or the largest value of each
    feature.
    """
    decoder: Annotated[Config, Slot("decoder")]
    """Writes the text, seeing what it wrote and the latent vector."""
    head: Annotated[Config, Slot("head")] = Field(default="linear", validate_default=True)
    """Scores the vocabulary."""
    encoder_dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the encoder's vector."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``reconstruction``, the text's likelihood under its sampled latent vector; ``posterior``;
        ``tokens``, logits over the vocabulary.
        """
        target = source.get("target")
        if not isinstance(target, Tokens | Poison):
            shown = "has no target" if target is None else f"gives {target} as its target"
            raise Mismatch(
                f"`text_vae` learns to write texts, and the corpus {shown}",
                help="use an adapter of texts such as `lines`; for images, model `vae`",
            )
        states = flow.node("encoder", embed(self, target, flow))
        vector = pooled(self.pooling, states, flow, reader="`text_vae`")
        if not isinstance(vector, Vector) or isinstance(target, Poison):
            return Outputs({"reconstruction": Poison(), "posterior": Poison(), "tokens": Poison()})
        flow.derive("encoder_dim", vector.dim, "the encoder's width")
        memory = States(vector.dim, size=self.memory)
        hidden = flow.node("decoder", {"target": target, "memory": memory})
        logits = flow.node("head", {"hidden": hidden, "target": target})
        told = Likelihood(0), Gaussian(self.latent), logits
        return Outputs(dict(zip(("reconstruction", "posterior", "tokens"), told, strict=True)))

"""One score a vocabulary entry or class, linear in the hidden state."""

from collections.abc import Mapping

from seqspec.schema.config import Mismatch
from seqspec.schema.head._head import HeadConfig
from seqspec.schema.types import Classes, Logits, States, Tokens, Type, Vector


class LinearConfig(HeadConfig):
    """A linear layer; the model decides whether its weight is an embedding's."""

    bias: bool = True
    """Give every entry an offset of its own."""

    def output(self, source: Mapping[str, Type]) -> Logits:
        hidden, target = source["hidden"], source["target"]
        match hidden, target:
            case States(), Tokens():
                return Logits(target.vocab, hidden.stride)
            case Vector(), Classes():
                return Logits(target.num, stride=0)
            case States() | Vector(), _:
                raise Mismatch(f"a linear head scores a vocabulary or classes, and the target is {target}")
        raise Mismatch(f"a linear head reads hidden states or a vector, and this is {hidden}")

    def parameters(self, takes: Mapping[str, Type]) -> int | None:
        """Trainable parameters of an untied head; ``None`` while the vocabulary is unknown."""
        hidden, size = takes["hidden"], self.output(takes).vocab
        assert isinstance(hidden, States | Vector)
        return size * (hidden.dim + self.bias) if isinstance(size, int) else None

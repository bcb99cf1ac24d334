"""CIFAR-10: Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images"; binary version."""

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.types import Classes, Image, Type


class Cifar10Config(AdapterConfig):
    """Read ``cifar-10-batches-bin/{data_batch_1..5,test_batch}.bin``: a byte of the class, then 3 × 32 × 32
    bytes.

    The other version of the corpus is made of Python pickles, which can run code and are never opened.
    There is no dev part; ``data.split`` cuts one out of ``train``.
    """

    def roles(self) -> dict[str, Type]:
        return {"source": Image(3, 32, 32), "target": Classes(10)}

    def downloads(self) -> tuple[Download, ...]:
        return (Download("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "170 MB"),)

"""MNIST: LeCun et al. (1998), "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
IEEE; idx files.
"""

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.types import Classes, Image, Type

# MD5 of the gzip files, the same in several independent projects; torchvision uses this mirror.
_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_MD5 = {
    "train-images-idx3-ubyte.gz": ("9.9 MB", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train-labels-idx1-ubyte.gz": ("29 kB", "d53e105ee54ea40749a09fcbcd1e9432"),
    "t10k-images-idx3-ubyte.gz": ("1.6 MB", "9fb629c4189551a2d022fa330f9573f3"),
    "t10k-labels-idx1-ubyte.gz": ("5 kB", "ec29112dd5afa0611ce80d1b7f02629c"),
}


class MnistConfig(AdapterConfig):
    """Read handwritten digits: ``{train,t10k}-{images-idx3,labels-idx1}-ubyte``, plain or ``.gz``.

    There is no dev part; ``data.split`` cuts one out of ``train``.
    """

    def roles(self) -> dict[str, Type]:
        return {"source": Image(1, 28, 28), "target": Classes(10)}

    def downloads(self) -> tuple[Download, ...]:
        return tuple(
            Download(_MIRROR + name, about, md5=md5, unpack=False) for name, (about, md5) in _MD5.items()
        )

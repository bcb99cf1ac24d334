"""Shards of WebDataset: tars whose files are grouped to examples by their names."""

from seqspec.schema.adapter._adapter import patterns
from seqspec.schema.adapter._table import TableConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Type

KEY = "__key__"
"""Column of the name that the files of an example share."""
PICKLES = ("pickle", "pkl", "pyd", "pth", "pt", "ten", "tb")
"""Endings of files that run code when they are read."""


class WebdatasetConfig(TableConfig):
    """Read uncompressed ``.tar`` shards, several by a glob, in the order of their names.  The files
    ``0017.wav`` and ``0017.json`` are one example, whose columns are ``wav`` and ``json``.

    ``json.caption`` is a key of an object, ``__key__`` what stands before the first dot.  Recordings are read
    where they stand; nothing is unpacked and no pickle is read.
    """

    def roles(self) -> dict[str, Type]:
        self._refuse_pickles()
        for split, names in self.splits.items():
            for name in patterns(names):
                if "{" in name:
                    message = f"`{name}` has braces, and files are named by globs"
                    raise Mismatch(message, at=("splits", split), help="write `train-*.tar`, for example")
        return TableConfig.roles(self)

    def _refuse_pickles(self) -> None:
        for name, column in self.columns().items():
            for kind in type(column).model_fields:
                ending = str(getattr(column, kind)).lower().rpartition(".")[2]
                if ending in PICKLES and kind != "language":
                    message = f"`{ending}` is a pickle, which would run code when it is read"
                    help = "write the shards anew with `json`, `txt` or `npy` in its place"
                    raise Mismatch(message, at=(*self.place(name), kind), help=help)

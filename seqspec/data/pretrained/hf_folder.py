"""A folder in Hugging Face's layout: config.json, and safetensors whole or in shards.

Nothing of it is run: there is no remote code, no pickle and no network here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seqspec.data.pretrained.bounded_json import AGAIN, DAMAGED, damaged, read_json
from seqspec.data.pretrained.safetensors_header import Tensor, read_header
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import NAMED, expand, names
from seqspec.schema.hugging_face_folder import Folder

MISSING, PICKLE = "SQ270", "SQ274"
SETTINGS, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PREPROCESSOR = "preprocessor_config.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack")
_CONVERT = (
    'convert it where you trust it, once: `python -c "import torch; from safetensors.torch import save_file; '
    "w = torch.load('{file}', map_location='cpu', weights_only=True); "
    "save_file(w.get('generator', w), 'model.safetensors')\"`"
)
MOST_SETTINGS, MOST_INDEX, MOST_SHARDS = 4 << 20, 32 << 20, 1_000


class HFFolder(NamedTuple):
    """A folder whose headers were read."""

    path: Path
    settings: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    preprocessor: Mapping[str, Any]

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that was read, and the files that the weights lie in, sorted."""
        found = {tensor.file for tensor in self.tensors.values()} | {self.path / SETTINGS}
        if (self.path / INDEX).is_file() and not (self.path / WEIGHTS).is_file():
            found.add(self.path / INDEX)
        return tuple(sorted(found))

    def as_folder(self) -> Folder:
        """What the schema may know of it."""
        shapes = {name: tensor.shape for name, tensor in self.tensors.items()}
        return Folder(self.settings, shapes, self.preprocessor)


def named_here(written: str) -> bool:
    """Whether every variable that a path names is set on this machine, or has a default that is not empty."""
    unset = (m for m in NAMED.finditer(written) if not (os.environ.get(m.group(1)) or m.group(2)))
    return next(unset, None) is None


def open_folder(written: str) -> HFFolder:
    """The folder that a spec names.  Raises ``DataError`` where it is missing, incomplete or holds pickles
    only.
    """
    path = path_of(written)
    if not path.is_dir():
        known = names(written)
        raise DataError(
            f"there is no model folder {show(str(path))}",
            help="fetch it on a machine that is connected, with config.json and model.safetensors in it"
            + (f", and set `{known[0]}`" if known else ", and name its place"),
            code=MISSING,
        )
    if not (path / SETTINGS).is_file():
        raise DataError(
            f"{show(str(path))} is no model folder: it has no {SETTINGS}", help=AGAIN, code=DAMAGED
        )
    settings = read_json(path / SETTINGS, most=MOST_SETTINGS)
    beside = path / PREPROCESSOR
    preprocessor = read_json(beside, most=MOST_SETTINGS) if beside.is_file() else {}
    return HFFolder(path, settings, _tensors(path), preprocessor)


def path_of(written: str) -> Path:
    """Where the folder lies."""
    return Path(os.path.expanduser(expand(written)))


def _tensors(path: Path) -> dict[str, Tensor]:
    if (path / WEIGHTS).is_file():
        return read_header(path / WEIGHTS)
    if (path / INDEX).is_file():
        return _sharded(path)
    pickle = next((name for name in PICKLES if (path / name).is_file()), None)
    other = None if pickle else _own_pickle(path)
    if other is not None:
        raise DataError(
            f"{show(str(path))} holds its weights as {show(other)}, which could run code when it is opened",
            help=_CONVERT.format(file=show(other)),
            code=PICKLE,
        )
    if pickle is None:
        raise DataError(
            f"{show(str(path))} has no {WEIGHTS}: the download is incomplete", help=AGAIN, code=DAMAGED
        )
    raise DataError(
        f"{show(str(path))} holds its weights as {pickle}, which could run code when it is opened",
        help='convert it where you trust it, once: `python -c "from transformers import AutoModel as A; '
        "A.from_pretrained('IN').save_pretrained('OUT')\"` writes model.safetensors",
        code=PICKLE,
    )


def _own_pickle(path: Path) -> str | None:
    """A file of torch under a name of its authors: a zip archive, or a bare pickle."""
    for file in sorted(path.iterdir())[:MOST_SHARDS]:
        if file.is_file():
            with open_regular(file) as opened:
                head = opened.read(4)
            if head == b"PK\x03\x04" or head[:1] == b"\x80":
                return file.name
    return None


def _sharded(path: Path) -> dict[str, Tensor]:
    """Tensors by the index, each in the shard that the index names."""
    index = read_json(path / INDEX, most=MOST_INDEX).get("weight_map")
    if not isinstance(index, dict) or not all(_plain(file) for file in index.values()):
        raise damaged(path / INDEX, "has no `weight_map` from tensors to files beside it")
    shards = sorted(set(index.values()))
    if len(shards) > MOST_SHARDS:
        raise damaged(path / INDEX, f"names more than {MOST_SHARDS:,} files")
    absent = [shard for shard in shards if not (path / shard).is_file()]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise damaged(
            path / INDEX, f"names {show(absent[0])}{more}, which is not there: the download is incomplete"
        )
    held = {shard: read_header(path / shard) for shard in shards}
    for name, shard in index.items():
        if name not in held[shard]:
            raise damaged(path / shard, f"lacks {show(name)[:100]!r}, which the index says it holds")
    return {name: held[shard][name] for name, shard in index.items()}


def _plain(name: object) -> bool:
    return (
        isinstance(name, str)
        and name.endswith(".safetensors")
        and Path(name).name == name
        and len(name) < 256
    )

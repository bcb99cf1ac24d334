"""What sentence-transformers reads beside a folder: which pooling makes one vector of the states."""

from __future__ import annotations

import json
from pathlib import Path

from seqspec.data.store.durable import write_durably
from seqspec.schema.hugging_face_folder import HeadForm

_MODES = {"mean": "mean_tokens", "first": "cls_token", "max": "max_tokens"}
_KIND = "sentence_transformers.models."


def write_pooling(folder: Path, pooling: str | None, dim: int, form: HeadForm) -> None:
    """``modules.json`` and ``1_Pooling/config.json`` of a body without a head; vectors are made of length 1,
    as our own predictions are.
    """
    if form.head or pooling not in _MODES:
        return
    modes = {f"pooling_mode_{name}": name == _MODES[pooling] for name in _MODES.values()}
    places = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"{_KIND}{kind}"}
        for index, (path, kind) in enumerate(places)
    ]
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": dim, **modes})
    _write(folder / "modules.json", modules)


def _write(file: Path, value: object) -> None:
    write_durably(file, json.dumps(value, indent=1).encode() + b"\n")

"""What has to be done to inputs before a graph and to ids after it, written down for any language."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from seqspec.data.store.durable import json_bytes, write_durably
from seqspec.runtime.assembly.assemble import VOCABULARIES
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.prediction.field_inputs import input_files_of
from seqspec.schema.types import BOS, EOS, PAD, UNK, Image, Waveform


def write_preprocessing(subject: Subject, folder: Path) -> None:
    """``preprocessing.json``, ``symbols-ROLE.json`` (the symbol of every id), ``labels.json`` and the
    tokenizers' own files.
    """
    told: dict[str, Any] = {
        "ids": {"pad": PAD, "unk": UNK, "bos": BOS, "eos": EOS, "ctc_blank": PAD},
        "fields": {role: _field(subject, role) for role in subject.opened.parts.roles},
    }
    write_durably(folder / "preprocessing.json", json_bytes(told))
    for role, steps in subject.opened.parts.text.items():
        _symbols(steps, folder / f"symbols-{role}.json")
    labels = {role: list(names) for role, names in subject.opened.run.kept.labels.items()}
    if labels:
        write_durably(folder / "labels.json", json_bytes(labels))
    kept = subject.folder.path / VOCABULARIES
    if kept.is_dir() and any(kept.iterdir()):
        shutil.copytree(kept, folder / VOCABULARIES, dirs_exist_ok=True)


def _field(subject: Subject, role: str) -> dict[str, Any]:
    parts = subject.opened.parts
    type_ = parts.roles[role]
    told: dict[str, Any] = {"type": str(type_)}
    if role in parts.text:
        told["text"] = _plain(parts.text[role].fingerprint())
        told["symbols"] = f"symbols-{role}.json"
        told["vocabulary"] = f"{VOCABULARIES}/data.text.{parts.pipeline(role)}.tokenizer"
    if isinstance(type_, Waveform):
        assert parts.config.audio is not None
        features = parts.config.audio.pipeline(role).features
        told["sample_rate"] = type_.rate
        told["channels"] = "mixed down to one, float32 in [-1, 1]"
        told["resample"] = "recordings of another rate, after that, by soxr with quality VHQ"
        told["features"] = {"type": features.component[1], **features.model_dump(mode="json")}
    files = input_files_of(parts.adapter)
    if files is not None and role == "source" and files.prepared:
        told["prepared"] = files.prepared
    if files is not None and role in files.asks:
        told["names"] = list(files.asks[role])
    if isinstance(type_, Waveform | Image):
        told["normalize"] = parts.normalize[role]
        statistics = subject.opened.run.kept.statistics.get(role)
        if statistics is not None:
            told["statistics"] = {"mean": statistics.mean.tolist(), "std": statistics.std.tolist()}
    return told


def _symbols(steps: Any, path: Path) -> None:
    pieces = steps.tokenizer.pieces(list(range(steps.vocab_size)))
    write_durably(path, json.dumps(list(pieces), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _plain(value: Any) -> Any:
    """As JSON would have it, whatever a fingerprint holds."""
    return json.loads(json.dumps(value, default=str))

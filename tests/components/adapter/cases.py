"""One small config, or several, for every adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqspec.components.adapter._build import build_adapter
from seqspec.data.corpus.adapter import Adapter
from seqspec.schema.catalogue import Catalogue

_TABLE = {
    "splits": {"train": "train-[0-9]*.x", "dev": ["dev.x", "**/de[uv]-??.x"]},
    "source": {"text": "ja", "language": "ja"},
    "target": {"text": "en", "language": "en"},
}
_SPEECH_TABLE = {
    "splits": {"train": "train.x"},
    "source": {"audio": "path", "rate": 8000},
    "target": {"label": "kind"},
    "id": "name",
    "speaker": "who",
}
_MANIFEST = {
    "splits": {"train": "train.json"},
    "source": {"audio": "audio_filepath", "rate": 8000, "start": "offset", "duration": "duration"},
    "target": {"text": "text", "language": "en"},
}

CASES: dict[str, list[dict[str, Any]]] = {
    "ade20k": [{"height": 6, "width": 8}],
    "algorithmic": [{}, {"problem": "addition", "symbols": 2, "dev": {"max_length": 9, "count": 5}}],
    "an4": [{}],
    "bitext": [
        {"source_language": "ja", "target_language": "en"},
        {"source_language": "de", "target_language": "fr", "template": "{language}/{split}.txt.gz"},
    ],
    "chat": [
        {
            "language": "ja",
            "template": {"turns": {"user": "U: {content}", "assistant": "A: {content}"}},
            "splits": {"train": "train.jsonl", "dev": "dev.jsonl"},
        }
    ],
    "cifar10": [{}],
    "cityscapes": [{"height": 6, "width": 8}],
    "cnn_dailymail": [{}, {"end_sentences": False, "separator": "\n"}],
    "coco_captions": [{"height": 6, "width": 8}],
    "common_voice": [{"language": "ja"}],
    "conll": [{"language": "en"}],
    "csv": [_TABLE, {**_TABLE, "delimiter": ";"}, _SPEECH_TABLE],
    "enwik8": [{"block": 100}],
    "fastspeech2": [{}, {"num_bins": 12, "splits": {"train": "train.txt"}}],
    "frame_folder": [
        {"height": 6, "width": 8, "given": 3, "following": 2},
        {"height": 6, "width": 8, "given": 1, "following": 1, "splits": {"train": "a", "dev": "b/c"}},
    ],
    "free_spoken_digits": [{}, {"target": "text", "split": "by_speaker", "test_speakers": ["theo"]}],
    "hf_dataset": [{**_TABLE, "splits": {"train": "train", "dev": "validation"}}],
    "image_folder": [{"height": 6, "width": 8}, {"height": 6, "width": 8, "channels": 1}],
    "jesc": [{}, {"source_language": "en"}],
    "jsonl": [_TABLE, {**_SPEECH_TABLE, "target": {"label": "meta.kind"}}, _MANIFEST],
    "jsut": [
        {"task": "synthesis", "dev": 2, "test": 2},
        {"subsets": ["basic5000", "onomatopee300"], "dev": 2, "test": 2},
    ],
    "kaldi": [{"language": "ja", "rate": 16000}],
    "kftt": [{}, {"source_language": "en", "version": "tok", "max_words": "40"}],
    "librispeech": [
        {},
        {"task": "synthesis", "views": ["pitch"]},
        {"parts": {"train": ["train-clean-5"], "dev": ["dev-clean-2"]}},
    ],
    "lines": [
        {"language": "ja"},
        {"language": "en", "splits": {"train": "all.txt"}, "cut": {"train": 0.9, "dev": 0.1}, "block": 50},
    ],
    "listops": [{"max_depth": 4, "longer_than": 8, "shorter_than": 60}],
    "ljspeech": [{}, {"task": "vocoding", "views": ["pitch"]}, {"text": "raw", "resample": 16000}],
    "maestro": [{}, {"piece": 20, "steps_per_second": 125, "max_shift": 125}],
    "mix": [
        {
            "parts": [
                {"name": "wiki", "source": {"type": "kftt"}},
                {"name": "talk", "source": {"type": "jesc"}},
            ]
        },
        {
            "parts": [
                {"name": "book", "source": {"type": "librispeech"}, "weight": 2.0},
                {"name": "letters", "source": {"type": "an4"}, "weight": 1.0},
            ]
        },
    ],
    "mnist": [{}],
    "moving_mnist": [{"given": 4}, {"cut": {"train": 0.5, "test": 0.5}}],
    "parquet": [_TABLE, {**_TABLE, "source": {"text": "t.ja", "language": "ja"}}],
    "oxford_pet": [{"height": 6, "width": 8}],
    "pascal_voc": [{"height": 6, "width": 8}],
    "penn_treebank": [{}, {"tags": "keep"}],
    "point_cloud": [{"num_points": 16}],
    "sentence_pairs": [{"language": "ja"}, {"language": "en", "splits": {"train": "train.jsonl"}}],
    "shapenet_part": [{"num_points": 16}, {"num_points": 200, "normals": True}],
    "tanaka": [{}, {"source_language": "en"}],
    "tatoeba": [
        {"source_language": "ja", "source_code": "jpn", "target_language": "en", "target_code": "eng"}
    ],
    "tsv": [
        _TABLE,
        {**_TABLE, "header": False, "source": {"text": 2, "language": "ja"}, "target": {"label": 1}},
    ],
    "webdataset": [
        {
            "splits": {"train": "train-[0-9]*.tar", "dev": ["dev.tar", "**/de[uv]-??.tar"]},
            "source": {"text": "json.ja", "language": "ja"},
            "target": {"text": "txt", "language": "en"},
            "id": "__key__",
        },
        {
            "splits": {"train": "train.tar"},
            "source": {"image": "png", "height": 6, "width": 8},
            "target": {"mask": "seg.png", "classes": 4, "height": 6, "width": 8},
            "fields": {"speaker": {"label": "cls"}, "voice": {"vector": "npy", "dim": 3}},
        },
    ],
    "wikitext": [{}, {"version": "raw", "headings": False}],
    "wmt": [
        {
            "source_language": "de",
            "target_language": "en",
            "splits": {
                "train": ["europarl-v7.de-en.{language}", "news-commentary-v14.en-de.tsv.gz"],
                "test": "newstest2014-deen-{side}.{language}.sgm",
            },
        }
    ],
}


def config(name: str, **keys: Any) -> Any:
    """The config of an adapter, validated as a spec's is."""
    catalogue = Catalogue()
    return catalogue.config("adapter", name).model_validate(keys, context=catalogue)


def reader(name: str, root: Path | None = None, **keys: Any) -> Adapter[Any]:
    """The adapter over a folder."""
    return build_adapter(config(name, **({"root": str(root)} if root is not None else {}), **keys))


def synthetic(name: str, folder: Path, *, count: int = 6, seed: int = 1, **keys: Any) -> Adapter[Any]:
    """The adapter over a synthetic corpus, as the data engine makes it."""
    adapter = build_adapter(config(name, synthetic=count, **keys))
    adapter.write_synthetic(folder, count=count, seed=seed)
    adapter.__dict__["root"] = folder
    return adapter


def same(a: object, b: object) -> bool:
    """Whether two records are equal, arrays included."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b)
    return a == b

"""Does training together help? Two directions of translation, spoken digits and an algorithmic problem, each
by itself and all through one body, with the same steps a task; after Tables 2 and 3 of Kaiser et al. (2017),
"One Model To Learn Them All", arXiv:1706.05137.

    python benchmarks/joint_or_single.py --tanaka FOLDER --digits FOLDER --work /tmp/joint --seeds 1 2 3

``--tanaka`` holds train.ja, train.en, dev.ja and dev.en (github.com/odashi/small_parallel_enja), ``--digits``
a corpus in LibriSpeech's layout (``LibriSpeech/train-clean-100`` and ``dev-clean``). The task that ``--small``
names sees a tenth of its data. A task has the same model, batches and shape of its learning rate in both ways;
together the four take turns, so that a task has ``--steps`` turns on average. A JSON line a seed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import time
from pathlib import Path
from typing import Any

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

LAUNCH = Launch(device="cpu", threads=1, quiet=True)
TASKS = ("digits", "enja", "jaen", "reverse")
TOLD = ("wer", "perplexity", "chrf", "sequence_accuracy")
SHARE = 10
"""What part of its data the small task keeps: one in so many."""


def main() -> None:
    given = _arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    roots = {task: _corpus(given, task) for task in TASKS if task != "reverse"}
    spec = given.work / "joint_or_single.yaml"  # JSON is YAML
    spec.write_text(json.dumps(_spec(given, roots), indent=1), encoding="utf-8")
    for seed in given.seeds:
        told: dict[str, Any] = {"seed": seed, "small": given.small, "steps": given.steps}
        for body in given.bodies:
            shared = Overlay.set(f"shared.body={json.dumps(_body(given.dim, body))}")
            single: dict[str, Any] = {}
            for task in TASKS:
                single |= trained(given, spec, seed, given.steps, [shared, Overlay.task(task)])
            joint = trained(given, spec, seed, given.steps * len(TASKS), [shared])
            told[body] = {task: {"single": single.get(task), "joint": joint.get(task)} for task in TASKS}
        told["cpu_seconds"] = round(time.process_time())
        print(json.dumps(told), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tanaka", type=Path, required=True)
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--small", choices=(*TASKS, "none"), default="digits")
    parser.add_argument("--bodies", nargs="+", default=["plain"], choices=("plain", "experts", "convolution"))
    parser.add_argument("--steps", type=int, default=600, help="steps of each task")
    parser.add_argument("--pairs", type=int, default=50_000, help="sentence pairs of each direction")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=2048, help="tokens of a batch of translation")
    return parser.parse_args()


def _corpus(given: argparse.Namespace, task: str) -> str:
    """The folder of a task's corpus, cut to what it may see."""
    small = SHARE if given.small == task else 1
    place = given.work / f"{task}_{small}"
    shutil.rmtree(place, ignore_errors=True)
    if task == "digits":
        return str(_some_speech(given.digits, place, every=small))
    place.mkdir()
    for language in ("ja", "en"):
        lines = (given.tanaka / f"train.{language}").read_text(encoding="utf-8").split("\n")[: given.pairs]
        (place / f"train.{language}").write_text("\n".join(lines[::small]) + "\n", encoding="utf-8")
        shutil.copy(given.tanaka / f"dev.{language}", place)
    return str(place)


def _some_speech(digits: Path, place: Path, *, every: int) -> Path:
    """Every so many utterances of training, and all of dev."""
    if every == 1:
        return digits
    source, here = digits / "LibriSpeech", place / "LibriSpeech"
    shutil.copytree(source / "dev-clean", here / "dev-clean")
    numbers = itertools.count()
    for file in sorted((source / "train-clean-100").glob("*/*/*.trans.txt")):
        lines = file.read_text(encoding="utf-8").splitlines()
        chosen = [line for line in lines if next(numbers) % every == 0]
        to = here / file.parent.relative_to(source)
        to.mkdir(parents=True)
        (to / file.name).write_text("".join(f"{line}\n" for line in chosen), encoding="utf-8")
        for line in chosen:
            shutil.copy(file.parent / f"{line.split()[0]}.flac", to)
    return place


def _spec(given: argparse.Namespace, roots: dict[str, str]) -> dict[str, Any]:
    """The four tasks; only the length of training and the body change from run to run."""
    return {
        "seqspec": 1,
        "name": "joint_or_single",
        "shared": {"body": _body(given.dim, "plain")},
        "tasks": {
            "digits": _digits(roots["digits"]),
            "enja": _translation(given, roots["enja"], "en", "ja"),
            "jaen": _translation(given, roots["jaen"], "ja", "en"),
            "reverse": _reverse(small=given.small == "reverse"),
        },
        "model": {
            "type": "encoder_decoder",
            "encoder": {"use": "shared.body"},
            "decoder": {"type": "transformer", "num_layers": 2, "dropout": 0.1},
        },
        "loss": {"type": "cross_entropy", "label_smoothing": 0.1},
        "optimizer": {
            "type": "adam",
            "beta2": 0.98,
            "schedule": {"type": "cosine", "peak": 2e-3, "warmup_steps": 1, "decay_end": 2},
        },
        "train": {"max_steps": 2, "clip_norm": 1.0, "checkpoint_every_steps": 1},
        "evaluate": {
            "every_steps": 1,
            "splits": ["dev"],
            "max_examples": 100,
            "search": {"type": "greedy", "max_tokens": 60},
        },
    }


def _body(dim: int, kind: str) -> dict[str, Any]:
    """What all tasks go through: attention, attention with experts, or convolutions alone."""
    found: dict[str, Any] = {
        "type": "transformer",
        "num_layers": 2,
        "dim": dim,
        "num_heads": 4,
        "dropout": 0.1,
    }
    if kind == "experts":
        found["feed_forward"] = {
            "type": "experts",
            "num_experts": 8,
            "inner_dim": 2 * dim,
            "router": "top_two",
        }
    return (
        found
        if kind != "convolution"
        else {"type": "slicenet", "num_layers": 2, "dim": dim, "groups": [2] * 4}
    )


def _digits(root: str) -> dict[str, Any]:
    return {
        "data": {
            "source": {"type": "librispeech", "root": root,
                       "parts": {"train": ["train-clean-100"], "dev": ["dev-clean"]}},
            "text": {"target": {"normalize": ["lowercase"], "tokenizer": "words"}},
            "audio": {"features": {"type": "log_mel", "num_bins": 40}, "normalize": "utterance"},
            "filter": {"max_seconds": 20.0},
            "batch": {"unit": "seconds", "size": 40.0},
        },
        "model": {"embedding": {"type": "convolution", "filters": 16}},
        "evaluate": {"metrics": ["wer", "perplexity"]},
    }  # fmt: skip


def _translation(given: argparse.Namespace, root: str, source: str, target: str) -> dict[str, Any]:
    # Over two thousand characters are written in the Japanese half.
    pieces = {"type": "sentencepiece", "vocab_size": 3000, "limit": "soft"}
    text = {"normalize": ["nfkc", "lowercase"], "segment": None, "tokenizer": pieces}
    return {
        "data": {
            "source": {"type": "bitext", "root": root, "source_language": source, "target_language": target},
            "text": {"source": text, "target": text},
            "filter": {"max_source_tokens": 128, "max_target_tokens": 128, "train_only": True},
            "batch": {"unit": "tokens", "size": given.tokens},
        },
        "evaluate": {"metrics": ["perplexity", "chrf"]},
    }


def _reverse(*, small: bool) -> dict[str, Any]:
    count = 20_000 // (SHARE if small else 1)
    parts = {name: {"max_length": 12, "count": number} for name, number in
             (("train", count), ("dev", 300), ("test", 300))}  # fmt: skip
    return {
        "data": {
            "source": {"type": "algorithmic", "problem": "reverse", "symbols": 10, **parts},
            "text": {"source": {"tokenizer": "words"}, "target": {"tokenizer": "words"}},
            "filter": {"max_source_tokens": 64, "max_target_tokens": 64},
            "batch": {"unit": "tokens", "size": 512},
        },
        "evaluate": {"metrics": ["sequence_accuracy", "perplexity"]},
    }


def trained(
    given: argparse.Namespace, spec: Path, seed: int, steps: int, more: list[Overlay]
) -> dict[str, dict[str, float]]:
    """The metrics of a run's end, by task."""
    settings = [
        f"seed={seed}", f"train.max_steps={steps}", f"train.checkpoint_every_steps={steps}",
        f"evaluate.every_steps={steps}", f"optimizer.schedule.decay_end={steps}",
        f"optimizer.schedule.warmup_steps={max(1, steps // 10)}",
    ]  # fmt: skip
    compiled = compile_spec(spec, overlays=[*map(Overlay.set, settings), *more])
    folder = run(compiled, runs=given.work / "runs", launch=LAUNCH).folder
    alone = next((one.text for one in more if one.kind == "task"), "")
    lines = [json.loads(line) for line in folder.metrics.read_text(encoding="utf-8").splitlines()]
    return {
        line.get("task", alone): {
            name: round(value, 4) for name, value in line["metrics"].items() if name in TOLD
        }
        for line in lines
        if "metrics" in line
    }


if __name__ == "__main__":
    main()

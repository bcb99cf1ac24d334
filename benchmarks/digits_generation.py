"""Digits that are generated, judged by a classifier that has never seen them.

    python benchmarks/digits_generation.py --work /tmp/digits --steps 3000 --seeds 1

The 1,797 handwritten digits of 8 × 8 pixels that scikit-learn ships (install it for this alone) are cut into
three parts: one for the classifier, one for the generator, one to judge the classifier on. A rectified flow
that is told the digit learns from the second part; then it makes digits of every class, and the classifier of
the first part says what they are. A JSON line a seed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.data.batching.batch import Batch
from seqspec.data.corpus.images import write_image
from seqspec.runtime.assembly.assemble import reopen
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

CLASSIFIER = {
    "model": {"type": "classifier", "encoder": {"type": "lenet", "channels": [32, 64], "kernel": 3, "dim": 128, "dropout": 0.2}},
    "loss": "cross_entropy",
    "optimizer": {"type": "adam", "schedule": {"type": "constant", "peak": 1e-3}},
    "train": {"max_steps": 800, "checkpoint_every_steps": 400},
    "evaluate": {"every_steps": 400, "metrics": ["accuracy"]},
}  # fmt: skip
FLOW = {
    "model": {
        "type": "diffusion", "process": "flow", "condition": "class",
        "network": {"type": "dit", "dim": 64, "num_layers": 3, "num_heads": 4, "patch": 2},
    },
    "loss": "denoising",
    "optimizer": {"type": "adam", "schedule": {"type": "constant", "peak": 1e-3, "warmup_steps": 100}},
    "train": {"clip_norm": 1.0, "ema": 0.995, "checkpoint_every_steps": 1000},
    "evaluate": {"search": {"type": "heun", "steps": 25, "guidance": 1.5}},
}  # fmt: skip
EACH = 50
"""Digits that are made of each class."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    given = parser.parse_args()
    write_corpora(given.work)
    evaluator = trained(given.work, "classifier", CLASSIFIER, seed=1)
    real = accuracy(evaluator, *read(given.work / "generator" / "train"))
    for seed in given.seeds:
        begun = time.process_time()
        flow = trained(
            given.work, "generator", {**FLOW, "train": {**FLOW["train"], "max_steps": given.steps}}, seed=seed
        )
        seconds = time.process_time() - begun
        classes = torch.arange(10).repeat_interleave(EACH)
        made = generated(flow, classes, seed=seed)
        print(json.dumps({
            "seed": seed, "steps": given.steps, "cpu_seconds": round(seconds), "generated": len(made),
            "accuracy_of_generated": accuracy(evaluator, made, classes), "accuracy_of_real": real,
            **distances(evaluator, made, work=given.work),
        }))  # fmt: skip


@torch.inference_mode()
def distances(evaluator: Path, made: torch.Tensor, *, work: Path) -> dict[str, float]:
    """Fréchet distance, precision and recall of generated digits beside the generator's own, in the features
    that the classifier's head reads; and the distance of the classifier's digits from those, which no
    generator made.
    """
    from seqspec.components.metric.frechet_distance import frechet_distance
    from seqspec.components.metric.improved_precision import covered

    program = opened(evaluator)

    def features(images: torch.Tensor) -> np.ndarray:
        rows = torch.arange(len(images))
        vectors = program.model.encode(Batch.pair(images, None, rows, None, rows))
        return vectors.double().numpy()

    own, others = (features(read(work / part / "train")[0]) for part in ("generator", "classifier"))
    found, least = features(made), min(len(made), len(own), len(others))
    rng = np.random.default_rng(0)
    own, others, found = (x_ND[rng.permutation(len(x_ND))[:least]] for x_ND in (own, others, found))
    return {
        "frechet_distance": round(frechet_distance(own, found), 3),
        "frechet_distance_of_real": round(frechet_distance(own, others), 3),
        "improved_precision": round(covered(found, by=own, neighbors=3), 3),
        "improved_recall": round(covered(own, by=found, neighbors=3), 3),
        "images": least,
    }


def write_corpora(work: Path) -> None:
    """``<part>/<split>/<digit>/<number>.png``; no digit stands in two parts."""
    from sklearn.datasets import load_digits

    held = load_digits()
    order = np.random.default_rng(0).permutation(len(held.images))
    names = [("classifier", "train")] * 8 + [("generator", "train")] * 8 + [("classifier", "val")] * 4
    for number, row in enumerate(order.tolist()):
        part, split = names[number % len(names)]
        pixels = np.round(held.images[row] * (255 / 16)).astype(np.uint8)[None]
        write_image(work / part / split / str(held.target[row]) / f"{row:04d}.png", pixels)


def trained(work: Path, part: str, how: dict, *, seed: int) -> Path:
    """The folder of a run."""
    splits = {"train": "train", "dev": "val"} if part == "classifier" else {"train": "train"}
    source = {
        "type": "image_folder",
        "root": str(work / part),
        "splits": splits,
        "channels": 1,
        "height": 8,
        "width": 8,
    }
    data = {"source": source, "image": {"normalize": "unit"}, "batch": {"unit": "examples", "size": 64}}
    if part == "generator":
        data["split"] = {"dev": 0.05}
    spec = work / f"{part}.yaml"
    spec.write_text(yaml.safe_dump({"seqspec": 1, "name": part, "seed": seed, "data": data, **how}))
    launch = Launch(device="cpu", threads=1, quiet=True)
    return run(compile_spec(spec), runs=work / "runs", launch=launch).folder.path


def opened(path: Path):  # type: ignore[no-untyped-def]
    """The program of a run with its last weights."""
    from seqspec.runtime.run_folder.folder import open_folder

    folder = open_folder(path)
    held = reopen(folder)
    use_weights(held.program.model, chosen(folder.checkpoints, "last"))
    held.program.model.eval()
    return held.program


@torch.inference_mode()
def generated(path: Path, classes: torch.Tensor, *, seed: int) -> torch.Tensor:
    """``[N, 1, 8, 8]`` in [0, 1], rounded to the values that a file can hold."""
    program = opened(path)
    torch.manual_seed(seed)
    noise = torch.randn(len(classes), 1, 8, 8)
    made = program.model.generate(noise, classes, search_of(program))
    return ((made + 1) / 2 * 255).round().clamp(0, 255) / 255


def read(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and digits of a folder."""
    from seqspec.data.corpus.images import read_image

    paths = sorted(folder.glob("*/*.png"))
    pixels = [read_image(path, channels=1, height=8, width=8, resize=False) for path in paths]
    digits = torch.tensor([int(path.parent.name) for path in paths])
    return torch.from_numpy(np.stack(pixels)).float() / 255, digits


@torch.inference_mode()
def accuracy(path: Path, images: torch.Tensor, digits: torch.Tensor) -> float:
    """Share that the classifier calls by the right name."""
    model = opened(path).model
    batch = Batch.pair(images, None, digits, None, torch.arange(len(digits)))
    return round(float((model._log_probs(batch).argmax(1) == digits).float().mean()), 4)


if __name__ == "__main__":
    main()

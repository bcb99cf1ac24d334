"""SHA-256 of the batches of specs under their ``tiny`` profile: what a change of the data engine must leave.

    python benchmarks/batch_digests.py [SPEC …] > before.json     in one checkout
    python benchmarks/batch_digests.py [SPEC …] > after.json      in the other; the two files must be equal

Training batches of the first epochs in one and in two micro-batches a step, then every split that the spec
evaluates.  Each tensor counts with its type and shape, and the plan's digest stands beside.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.pipeline import compile
from seqspec.compile.resolve.resolve import Overlay
from seqspec.data.batching.loader import Loader, evaluation_of, training_loader
from seqspec.data.stages.prepare import prepare

SPECS = Path(__file__).parents[1] / "specs"
CHOSEN = (
    "asr_jsut", "asr_librispeech_ctc", "image_cifar10_shake_shake", "image_mnist_lenet5", "lm_ja",
    "lm_shakespeare_char", "mt_caption_ende", "mt_tanaka_jaen", "mt_wmt14_ende_small", "nli_snli",
    "point_modelnet40",
)  # fmt: skip
STEPS = 40


def main(names: list[str]) -> None:
    """Print one JSON object."""
    with tempfile.TemporaryDirectory() as cache:
        print(json.dumps({name: digests(name, Path(cache)) for name in names or CHOSEN}, indent=1))


def digests(name: str, cache: Path) -> dict[str, str]:
    """The digests of one spec."""
    compiled = compile(SPECS / f"{name}.yaml", overlays=[Overlay.profile("tiny")])
    prepared = prepare(build_data(compiled.plan), cache=cache, processes=1)
    train = prepared.splits["train"]
    found = {"plan": compiled.plan.digests["all"]}
    for micro_batches in (1, 2):
        batches = training_loader(prepared.parts, train, stop=STEPS, num_micro_batches=micro_batches)
        found[f"train/{micro_batches}"] = sha256(batches)
    for split in compiled.plan.experiment.evaluate.splits:
        found[split] = sha256(Loader(evaluation_of(prepared.parts, prepared.splits[split]), workers=0))
    return found


def sha256(batches: object) -> str:
    """One digest of everything that batches hold."""
    whole = hashlib.sha256()
    for batch in batches:  # type: ignore[attr-defined]
        for part in parts(batch):
            whole.update(part)
    return whole.hexdigest()


def parts(batch: object) -> Iterator[bytes]:
    """The fields of a batch by name."""
    for name in (
        "source",
        "source_lengths",
        "target",
        "target_lengths",
        "index",
        "step",
        "share",
        "segments",
    ):
        value = getattr(batch, name)
        if isinstance(value, torch.Tensor):
            yield f"{name} {value.dtype} {tuple(value.shape)}".encode()
            yield value.contiguous().numpy().tobytes()
        else:
            yield f"{name} {value!r}".encode()


if __name__ == "__main__":
    main(sys.argv[1:])

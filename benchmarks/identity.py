"""Whether a refactor changed a number: plans, parameters and trained weights of two checkouts, side by side.

    python benchmarks/identity.py record FILE [--checkout FOLDER] [--jobs 2] [--parts plans,weights] [--specs mt_,lm_ja]
    python benchmarks/identity.py compare FILE [--checkout FOLDER] …
    python benchmarks/identity.py between FOLDER FOLDER …

For every spec of a checkout: the text of its plan with the digests (``explain SPEC``) and the table of its trainable
parameters (``explain SPEC --params``).  For a dozen specs and more, of every kind: the SHA-256 of each weight after 20 steps of the
tiny profile, on one thread.  Each checkout is driven by its own command line with its own specs, so nothing of its insides
need be the same; weights are compared by name, and those that only changed their name are told apart from those that
changed.  Both sides must be recorded on one machine: other kernels give other bits.  Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("plans", "parameters", "weights")
TRAINED = (
    "asr_common_voice_ja",  # attention, with CTC beside it
    "asr_librispeech",
    "asr_librispeech_ctc",
    "gan_mnist",  # two phases, a moving average of the weights
    "image_cifar10_shake_shake",  # L2
    "image_cifar10_transformer",
    "image_imagenet_vit",
    "image_mnist_lenet5",
    "lm_one_billion_words",  # sampled softmax, packed rows
    "lm_shakespeare_char",
    "lm_wikitext103",  # adaptive softmax
    "mt_ende_universal",  # halting
    "mt_multi30k_ende",
    "mt_wmt14_ende_rnmt_plus",
    "multitask_asr_mt",
    "parts_shapenet",  # a decoder of points
    "point_modelnet40",  # a penalty of the encoder's own
    "segmentation_pet_unet",  # masks augmented as their images are
    "tts_ljspeech_tacotron2",
    "tts_ljspeech_vits",  # two phases
    "vae_mnist",
)
STEPS = 20
QUICK = ("data.source.synthetic=48", "evaluate.metrics=[]", "evaluate.search=null", "evaluate.stop=null")
"""What makes a tiny run short and leaves its training as it is."""

Record = dict[str, dict[str, object]]


def main() -> int:
    """Record, or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["record", "compare", "between"])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--specs", default="", help="beginnings of the names of those that are looked at")
    given = parser.parse_args()
    parts = [part for part in PARTS if part in given.parts.split(",")]

    def record(checkout: Path) -> Record:
        return recorded(checkout.resolve(), parts, tuple(given.specs.split(",")), jobs=given.jobs)

    if given.action == "record":
        given.files[0].write_text(json.dumps(record(given.checkout), indent=1, sort_keys=True))
        return 0
    if given.action == "compare":
        before, after = json.loads(given.files[0].read_text()), record(given.checkout)
    else:
        before, after = record(given.files[0]), record(given.files[1])
    lines = list(differences(before, after, parts))
    print("\n".join(lines) or f"identical: {', '.join(f'{len(after[part])} {part}' for part in parts)}")
    return bool(lines)


def recorded(checkout: Path, parts: Sequence[str], beginnings: tuple[str, ...], *, jobs: int) -> Record:
    """Everything of ``checkout`` that a refactor must not change."""
    specs = [file for file in sorted((checkout / "specs").glob("*.yaml")) if file.stem.startswith(beginnings)]
    work: dict[str, tuple[Callable[[Path, Path], object], list[Path]]] = {
        "plans": (plan, specs),
        "parameters": (parameters, specs),
        "weights": (weights, [file for file in specs if file.stem in TRAINED]),
    }
    found: Record = {}
    with ThreadPoolExecutor(jobs) as pool:
        for part in parts:
            look, files = work[part]
            results = pool.map(lambda file, look=look: look(checkout, file), files)
            found[part] = {file.stem: result for file, result in zip(files, results, strict=True)}
            print(f"{part}: {len(files)} specs", file=sys.stderr, flush=True)
    return found


def plan(checkout: Path, spec: Path) -> str:
    """The text of the plan, digests and types among it."""
    return _seqspec(checkout, "explain", str(spec))


def parameters(checkout: Path, spec: Path) -> str:
    """The table of trainable parameters."""
    return _seqspec(checkout, "explain", str(spec), "--params")


def weights(checkout: Path, spec: Path) -> dict[str, str]:
    """SHA-256 of each weight, by name, after a short tiny run."""
    with tempfile.TemporaryDirectory() as runs:
        overlays = [f"--set={text}" for text in (f"train.max_steps={STEPS}", *QUICK)]
        line = ("run", str(spec), "--profile", "tiny", *overlays, "--runs", runs, "--threads", "1")
        folder = Path(_seqspec(checkout, *line).strip().rpartition("\n")[2])
        file = folder / "checkpoints" / f"step-{STEPS:08}" / "weights.safetensors"
        return dict(tensors(file.read_bytes()))


def tensors(content: bytes) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of each tensor of a safetensors file, its type and shape among what is hashed."""
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    for name, entry in sorted(header.items()):
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            kind = f"{entry['dtype']} {entry['shape']}".encode()
            yield name, hashlib.sha256(kind + content[8 + size + start : 8 + size + end]).hexdigest()


def differences(before: Record, after: Record, parts: Sequence[str]) -> Iterator[str]:
    """What is not the same, a line each."""
    for part in parts:
        old, new = before.get(part, {}), after[part]
        for name in sorted(new):
            if name not in old:
                yield f"{part} {name}: there was none"
            elif old[name] != new[name]:
                yield f"{part} {name}: {_difference(old[name], new[name])}"


def _difference(old: object, new: object) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        changed = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
        renamed = not changed and Counter(old.values()) == Counter(new.values())
        gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
        moved = f"{', '.join(gone) or 'nothing'} became {', '.join(come) or 'nothing'}"
        if renamed:
            return f"the same bits under other names: {moved}"
        return f"{len(changed)} of {len(new)} weights differ ({', '.join(changed[:3])}); {moved}"
    pairs = zip(str(old).splitlines(), str(new).splitlines(), strict=False)
    first = next(((a, b) for a, b in pairs if a != b), ("", "lines at the end"))
    return f"`{first[0].strip()}` became `{first[1].strip()}`"


def _seqspec(checkout: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "seqspec", *arguments]
    done = subprocess.run(line, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())

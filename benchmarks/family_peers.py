"""What a training step costs beside public implementations of the same model: CPU time and memory.

    python benchmarks/family_peers.py --install FOLDER [--families gpt conformer_ctc] [--rounds 5]

Each family is a shipped spec at a size whose step takes tens to hundreds of milliseconds; ``families/`` says which
model stands beside it:

``language_model``, ``language_model_wide``  a Llama of 4 layers of 128, 12 rows of 64; of 6 layers of 256, 4 rows of 256.
    Peers: litgpt's ``GPT``, transformers' ``LlamaForCausalLM``.
``gpt``, ``gpt_wide``  nanoGPT's model with biases, of the same two sizes.  Peers: nano-gpt, a public copy of nanoGPT (which
    is in no registry), and transformers' ``GPT2LMHeadModel``.
``conformer_ctc``  a Conformer of 4 blocks of 144 over 80 bins, with CTC.  Peers: ESPnet, SpeechBrain.
``conformer_attention``  the same with a Transformer decoder of 2 layers, label smoothing and CTC.  Peers: ESPnet, SpeechBrain.
``resnet``, ``vision_transformer``  ResNet-18 and a ViT of 6 layers of 192 over pictures of 64 × 64.  Peer: transformers'
    (timm cannot be imported without torchvision).
``fastspeech2``  FastSpeech 2 whose durations, pitch and energy are given.  Peer: ESPnet's.
``hifi_gan``  a small HiFi-GAN, critics and generator in turn.  Peer: ESPnet's.

``seqspec`` is what ``seqspec run`` does between its first checkpoint and its last; ``plain`` the same model in a loop by
hand; each peer its own model in that loop over the same batches, which lie in memory: one fused kernel updates all
weights, gradients are clipped as the spec says.  One process and one thread, contenders in alternating order, CPU
seconds of an update, medians of the rounds; ``speed`` is a contender's time over ours, above 1 where we are faster: the
median of the quotients of each round.

Peak memory is of a process for each contender, which reads its batches one by one: the most that it held, and above what
it held before its first step (so without weights and imports, with gradients, the optimiser's state and activations);
of ``--memory-rounds`` processes the least, since speech, whose batches differ in length, moves by a third from one to the next.
Prints a JSON line a family.
``--install`` has pip put the peers into a folder, without what they ask for; without it they are looked for on the
import path.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

sys.path.insert(0, str(Path(__file__).parent))

from families.contest import Contest, trained
from families.images import resnet, vision_transformer
from families.language_models import gpt, llama
from families.recognition import conformer_attention, conformer_ctc
from families.synthesis import fastspeech2, hifi_gan
from generative_steps import assembled_of, in_turns, loop_of, run_of, speed, stream_of
from harness.peer_packages import install
from harness.process_memory import OPTION, memory_of, memory_of_each

from seqspec.runtime.devices.machine import keep_freed_memory

CONTESTS = {
    "language_model": llama(4, 128, 64, 12),
    "language_model_wide": llama(6, 256, 256, 4),
    "gpt": gpt(4, 128, 64, 12),
    "gpt_wide": gpt(6, 256, 256, 4),
    "conformer_ctc": conformer_ctc(4, 144),
    "conformer_attention": conformer_attention(4, 144, 2),
    "resnet": resnet(),
    "vision_transformer": vision_transformer(6, 192, 8),
    "fastspeech2": fastspeech2(3, 192, 48),
    "hifi_gan": hifi_gan(),
}
PACKAGES = (
    "litgpt==0.5.13", "nano-gpt==0.1.0", "espnet==202511", "typeguard", "speechbrain==1.1.2", "hyperpyyaml",
    "ruamel.yaml", "joblib",
)  # fmt: skip


def main() -> None:
    """Prints a JSON line a family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="+", choices=CONTESTS, default=list(CONTESTS))
    parser.add_argument("--install", type=Path, metavar="FOLDER", help="has pip put the peers there")
    parser.add_argument("--steps", type=int, default=12, help="training steps of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true", help="leave peak memory out")
    parser.add_argument("--memory-rounds", type=int, default=1, help="processes of which the least counts")
    parser.add_argument(OPTION, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.install:
        install(given.install.resolve(), PACKAGES)
    torch.set_num_threads(1)
    keep_freed_memory()
    for name in given.families:
        if given.memory_of:
            print(json.dumps(_memory(CONTESTS[name], given.memory_of, steps=given.steps)))
        else:
            found = _compared(CONTESTS[name], steps=given.steps, rounds=given.rounds)
            contenders = ("seqspec", "plain", *CONTESTS[name].peers)
            arguments = (__file__, "--families", name, "--steps", str(min(given.steps, 6)))
            rounds = 0 if given.no_memory else given.memory_rounds
            memory = memory_of_each(contenders, arguments, rounds=rounds) if rounds else {}
            print(json.dumps({"family": name} | found | memory), flush=True)


def _compared(contest: Contest, *, steps: int, rounds: int) -> dict[str, Any]:
    ours, plain = (assembled_of(contest.ours, steps=steps) for _ in range(2))
    held = list(stream_of(plain))
    peers = {name: make(plain.program.model) for name, make in contest.peers.items()}
    contenders: dict[str, Callable[[], float]] = {
        "seqspec": lambda: run_of(ours),
        "plain": lambda: loop_of(plain, held),
    }
    for name, peer in peers.items():
        contenders[name] = lambda peer=peer: trained(peer, contest, held)  # type: ignore[misc]
    taken = in_turns(contenders, rounds)
    return {
        "parameters": {"seqspec": ours.program.num_parameters}
        | {
            name: sum(x.numel() for turn in peer for x in turn.moved.parameters())
            for name, peer in peers.items()
        },
        "milliseconds": {which: round(1000 * median(times), 1) for which, times in taken.items()},
        "speed": {which: speed(taken, which) for which in taken},
    }


def _memory(contest: Contest, which: str, *, steps: int) -> dict[str, float]:
    assembled, ours = assembled_of(contest.ours, steps=steps), 0.0
    run: Callable[[], float] = lambda: run_of(assembled)  # noqa: E731
    if which == "plain":
        run = lambda: loop_of(assembled, stream_of(assembled))  # noqa: E731
    elif which != "seqspec":
        peer = contest.peers[which](assembled.program.model)
        ours = sum(x.numel() * x.element_size() for x in assembled.program.module.parameters()) / 2**20
        run = lambda: trained(peer, contest, stream_of(assembled))  # noqa: E731
    # Our weights, which give a peer its sizes and its batches, are none of its memory.
    return memory_of(run, beside=ours)


if __name__ == "__main__":
    main()

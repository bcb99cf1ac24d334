"""What a start, a batch and a training step cost, in counts that no machine and no load can change.

A count that rises above its bound is a regression; one that falls far below means that the bound is to be
lowered, so that the gain is kept.
"""

import json
import platform
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.components._layers.linear_cross_entropy import CHUNK, linear_cross_entropy
from seqspec.components.loss._loss import Loss
from seqspec.components.losses import Losses, NamedLoss
from seqspec.data.batching.batch import Batch
from seqspec.data.batching.layout import make_layout
from seqspec.runtime.training.deferred_number import DeferredNumber
from seqspec.runtime.training.gradients import Gradients
from seqspec.runtime.training.training_module import Training
from seqspec.schema.data import Batch as BatchConfig
from tests.components.building import replaced

SPECS = Path(__file__).parents[1] / "specs"
WORDS = 300
"""Size of every vocabulary here."""


def within(count: int, bound: int, *, slack: float = 0.15) -> bool:
    """Not above the bound, nor so far below that it says nothing."""
    return bound * (1 - slack) <= count <= bound


def program_of(name, *sets, device="cpu"):
    torch.set_num_threads(1)
    overlays = [Overlay.profile("tiny"), *(Overlay.set(text) for text in sets)]
    unknown = compile_spec(SPECS / f"{name}.yaml", overlays=overlays).plan.unknowns
    compiled = compile_spec(SPECS / f"{name}.yaml", overlays=overlays, facts=dict.fromkeys(unknown, WORDS))
    return build(compiled.plan, tree=compiled.tree, device=device)


def ids(*shape, device="cpu"):
    return torch.randint(4, WORDS, shape, generator=torch.Generator().manual_seed(0)).to(device)


def lengths(*values, device="cpu"):
    return torch.tensor(values, device=device)


def text_batch(device="cpu"):
    index = torch.arange(3, device=device)
    return Batch.pair(ids(3, 9, device=device), lengths(9, 7, 8, device=device), ids(3, 8, device=device),
                 lengths(8, 6, 8, device=device), index, 0, 25.0)  # fmt: skip


def speech_batch(device="cpu"):
    frames = torch.randn(3, 60, 80, generator=torch.Generator().manual_seed(0)).to(device)
    return replaced(text_batch(device), source=frames, source_lengths=lengths(60, 52, 58, device=device))


# Start


LOADED = """
import sys
from seqspec.cli import app
try:
    app(sys.argv[1:], standalone_mode=False)
except SystemExit as leave:
    assert not leave.code, leave.code
import json
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
PACKAGES = {
    "seqspec", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "yaml",
    "typer", "click", "shellingham", "rich", "annotated_doc", "cython_runtime",
}  # fmt: skip
"""What ``validate`` may load besides Python's own library."""


def test_validate_loads_no_more_than_it_did():
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "validate", SPECS / "mt_tanaka_jaen.yaml"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    loaded = json.loads(done.stderr.splitlines()[-1])
    counts = Counter(name.partition(".")[0] for name in loaded)
    foreign = {name for name in counts.keys() - sys.stdlib_module_names if not name.startswith("_")}
    assert foreign - {"sitecustomize"} <= PACKAGES
    # 191 since thirteen rules, what streams, the sweep of a spec and corpora by address joined what every spec is
    # asked; 196 since three more rules, training in 8 bits and a base of schedules;
    # 198 since two rules of half precision; 199 since one of lanes; 200 since one place tells what heads divide.
    assert within(counts["seqspec"], 200, slack=0.25)
    assert len(loaded) < 486  # those three more than before


# Batches


@pytest.mark.parametrize(
    ("unit", "size", "bound"),
    [("tokens", 4096.0, 0.045), ("tokens", 1024.0, 0.025), ("examples", 64.0, 0.035)],
)
def test_batches_of_sentences_hold_little_padding(unit, size, bound):
    generator = np.random.default_rng(0)
    source = np.clip(generator.lognormal(2.5, 0.45, 20_000), 2, 100)
    both = np.stack([source, source * generator.normal(1.1, 0.15, 20_000)], 1).round().clip(1)

    assert padding(both.astype(np.int32), BatchConfig(unit=unit, size=size)) < bound


def test_batches_of_speech_hold_little_padding():
    generator = np.random.default_rng(0)
    frames = generator.gamma(6.0, 200.0, 5_000).clip(100, 3500)
    both = np.stack([frames, frames / 12], 1).round().astype(np.int32)

    assert padding(both[:, :1].repeat(2, 1), BatchConfig(unit="frames", size=32_000.0)) < 0.03


def padding(both, config):
    """The share of places that hold nothing, in all batches of the first phase."""
    layout = make_layout(both, config)
    cells = real = 0
    for start, end in zip(layout.cuts[0][:-1], layout.cuts[0][1:], strict=True):
        rows = both[layout.examples[start:end]]
        cells += int(rows.max(0).sum()) * len(rows)
        real += int(rows.sum())
    return 1 - real / cells


# Steps


class Operations(TorchDispatchMode):
    """Counts what torch is asked to do, and the largest piece of memory that anything gives."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()
        self.largest = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        given = function(*arguments, **(keywords or {}))
        self.counts[str(function.overloadpacket)] += 1
        for one in given if isinstance(given, tuple | list) else (given,):
            if isinstance(one, torch.Tensor):
                self.largest = max(self.largest, one.untyped_storage().nbytes())
        return given

    @property
    def all(self):
        """Operations that do some work: a view does none."""
        views = {"view", "t", "transpose", "permute", "unsqueeze", "squeeze", "expand", "slice", "select",
                 "detach", "alias", "as_strided", "split", "unbind", "_unsafe_view", "split_with_sizes"}  # fmt: skip
        return sum(n for name, n in self.counts.items() if name.removeprefix("aten.") not in views)


def step(program, batch):
    """One whole optimiser step; gives what was counted in a second one."""
    module = Training(program, micro_batches=1)
    for _ in range(2):
        with Operations() as seen:
            torch.manual_seed(0)
            module.cycle.turn.mover.optimizer.zero_grad(set_to_none=True)
            loss = program.losses(program.model, batch)
            (loss.total / batch.loss_normalizer).backward()
            assert module.cycle.turn.gradients.finish().update
            module.cycle.turn.mover.optimizer.step()
    return seen


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="torch splits operations otherwise on other processors",
)
@pytest.mark.parametrize(
    ("name", "batch", "sets", "bound"),
    [
        ("mt_tanaka_jaen", text_batch, ["model.encoder.num_layers=2", "model.decoder.num_layers=2"], 407),
        ("asr_librispeech_ctc", speech_batch, ["model.encoder.dropout=0.1"], 259),
    ],
    ids=["transformer", "ctc"],
)
def test_a_step_takes_no_more_operations_than_it_did(name, batch, sets, bound):
    seen = step(program_of(name, *sets), batch())

    assert within(seen.all, bound), seen.counts.most_common(20)


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="torch splits operations otherwise on other processors",
)
def test_decoding_and_scoring_take_no_more_operations_than_they_did():
    model = program_of("mt_tanaka_jaen", "model.decoder.num_layers=2").model.eval()
    with torch.no_grad():
        memory_BSD, lengths_B = torch.randn(2, 5, 32), lengths(5, 3)
        state = model.decoder.start(memory_BSD, lengths_B, examples=2)
        _, state = model.decoder.step(ids(2), state)
        with Operations() as stepped:
            model.decoder.step(ids(2), state)
        with Operations() as scored:
            model.score(text_batch())

    assert within(stepped.all, 70), stepped.counts.most_common(20)
    assert within(scored.all, 127), scored.counts.most_common(20)


def test_a_step_reads_few_numbers_back():
    seen = step(program_of("mt_tanaka_jaen", "model.encoder.num_layers=2"), text_batch())

    # The gradient's norm, and on a CPU a seed for every mask of dropout.
    assert seen.counts["aten._local_scalar_dense"] == 1 + seen.counts["aten.random_"]


# Without memory there is nothing to read: a step that finishes has made no host wait for a device.


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("mt_tanaka_jaen", text_batch),
        ("mt_ende_universal", text_batch),
        ("mt_ende_bytenet", text_batch),
        ("lm_shakespeare_char", text_batch),
        ("asr_librispeech_ctc", speech_batch),
    ],
)
def test_no_step_makes_the_host_wait(name, batch):
    program = program_of(name, device="meta")
    given = batch("meta")
    if name.startswith("lm"):
        given = replaced(given, source=given.target, source_lengths=given.target_lengths)
    losses = program.losses
    if name == "asr_librispeech_ctc":
        # Torch's CTC takes lengths from the host.
        def criterion(logits, *_):
            return Loss(logits.sum(), given.target_lengths.sum(), {})

        losses = Losses({"loss": NamedLoss("ctc", criterion)}, last_step=1)

    loss = losses(program.model, given)
    loss.objective.backward()
    verdict = Gradients(program.plan.experiment.train, list(program.model.parameters())).finish(wait=False)

    assert verdict.update
    assert isinstance(verdict.norm, DeferredNumber)
    assert loss.total.device.type == "meta"


# Memory


@pytest.mark.parametrize("rows", [2 * CHUNK, 8 * CHUNK])
def test_logits_never_exist_whole(rows):
    vocab, dim = 2_000, 8
    hidden, weight = torch.randn(rows, dim, requires_grad=True), torch.randn(vocab, dim, requires_grad=True)
    target, saved = torch.randint(1, vocab, (rows,)), []

    def pack(tensor):
        saved.append(tensor.untyped_storage().nbytes())
        return tensor

    with Operations() as seen, torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        linear_cross_entropy(hidden, weight, None, target, label_smoothing=0.1).total.backward()

    assert seen.largest == CHUNK * vocab * 4
    assert sum(saved) <= 4 * (hidden.numel() + weight.numel())

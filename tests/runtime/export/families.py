"""Every family of models, its tiny spec, and a batch and a model of random weights to try exports with."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.resolve.resolve import Overlay
from seqspec.components.graphs import graphs_of
from seqspec.data.batching.loader import training_loader
from seqspec.data.stages.prepare import prepare

ROOT = Path(__file__).parents[3]
FAMILIES = {
    "CTC recogniser": "asr_librispeech_ctc",
    "encoder and decoder, of text": "mt_tanaka_jaen",
    "encoder and decoder, of speech": "asr_librispeech",
    "language model": "lm_shakespeare_char",
    "masked language model": "lm_masked",
    "classifier of text": "listops",
    "classifier of images": "image_mnist_lenet5",
    "classifier of points": "point_modelnet40",
    "tagger of words": "tag_conll2003",
    "two encoders of pairs": "embed_tanaka_enja",
    "speech without labels": "wav2vec2_pretrain_digits",
    "segmentation of images": "segmentation_pet_unet",
    "image model": "image_cifar10_transformer",
    "variational autoencoder": "vae_mnist",
    "autoencoder with codes": "vq_vae_cifar10",
    "generator against a critic": "gan_mnist",
    "diffusion": "diffusion_mnist_dit",
    "synthesis of speech, FastSpeech 2": "tts_digits",
    "synthesis of speech, Tacotron 2": "tts_ljspeech_tacotron2",
    "synthesis of speech, VITS": "tts_ljspeech_vits",
    "vocoder": "vocoder_ljspeech_hifigan",
    "variational autoencoder of texts": "text_vae_ptb",
}


@dataclass(frozen=True)
class Tried:
    """What an exporter asks of a subject, without a run."""

    opened: Any
    batches: tuple[Any, ...]
    folder: Any
    weights: Any = field(default_factory=lambda: SimpleNamespace(name="none"))

    @property
    def model(self):
        return self.opened.run.program.model

    @property
    def compiled(self):
        return self.opened.run.compiled

    @torch.no_grad()
    def graphs(self, batch=None):
        return graphs_of(self.model, self.batches[0] if batch is None else batch)


def tried(spec, cache) -> Tried:
    """The spec's profile ``tiny`` at weights none of which is nothing, and a batch of its training data."""
    torch.manual_seed(0)
    overlays = [Overlay.profile("tiny"), Overlay.set("data.source.synthetic=24")]
    compiled = compile_spec(ROOT / "specs" / f"{spec}.yaml", overlays=overlays)
    prepared = prepare(build_data(compiled.plan), cache=cache, splits=["train"], processes=1)
    compiled = recompile(compiled, facts=prepared.facts)
    program = build(compiled.plan, tree=compiled.tree)
    with torch.no_grad():
        for weight in program.model.eval().parameters():
            weight.add_(torch.randn_like(weight) * 0.02)
    batch = next(iter(training_loader(prepared.parts, prepared.splits["train"], stop=1)))
    few = batch.map(lambda x: x[:5])
    known = getattr(prepared.splits["train"], "statistics", {})
    kept = SimpleNamespace(labels=prepared.labels, statistics=known)
    run = SimpleNamespace(program=program, parts=prepared.parts, kept=kept, compiled=compiled)
    folder = SimpleNamespace(path=Path("tried"), spec=ROOT / "specs" / f"{spec}.yaml")
    opened = SimpleNamespace(run=run, parts=prepared.parts)
    return Tried(opened, (few, few.map(lambda x: x[:1])), folder)


def table(cache) -> str:
    """What every family gives to ``torch_export`` and ``onnx``, as Markdown."""
    lines = ["| model | such as | functions of `torch_export` and `onnx` |", "|---|---|---|"]
    for family, spec in FAMILIES.items():
        names = ", ".join(f"`{graph.name}`" for graph in tried(spec, cache).graphs())
        lines.append(f"| {family} | `{spec}` | {names or '–'} |")
    return "\n".join(lines) + "\n"

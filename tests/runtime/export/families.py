"""Every family of models, its tiny spec, and a batch and a model of random weights to try exports with."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
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
from seqspec.runtime.export.target import target_of
from seqspec.schema.diagnostic import RunError

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
    "segmentation of points": "parts_shapenet",
    "next frames of a clip": "video_moving_mnist",
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
FOLDERS = ("hf", "ctranslate2", "sherpa_onnx")
"""Targets that take a model as a whole."""
KALDI = ("data.audio.features={type: log_mel, num_bins: 80, high_hz: 7600, snip_edges: false}",)
BERT = "model.encoder={type: bert, dim: 32, num_layers: 1, num_heads: 4, feed_forward_dim: 64}"
VIT = "model.encoder={type: vit, dim: 32, num_layers: 1, num_heads: 4, feed_forward_dim: 64, patch: 7}"
OTHERS = {
    ("CTC recogniser", "hf"): ("`wav2vec2_finetune_digits`", "wav2vec2_finetune_digits", ()),
    ("CTC recogniser", "sherpa_onnx"): ("with Kaldi's features", "asr_librispeech_ctc", KALDI),
    ("encoder and decoder, of text", "hf"): ("`mt_multi30k_ende`", "mt_multi30k_ende", ()),
    ("encoder and decoder, of speech", "hf"): (
        "`asr_whisper_common_voice_ja`", "asr_whisper_common_voice_ja", (),
    ),
    ("language model", "hf"): ("`lm_small_llama`", "lm_small_llama", ()),
    ("classifier of text", "hf"): ("`classify_bert_ja`", "classify_bert_ja", ()),
    ("classifier of images", "hf"): ("encoder `vit`", "image_mnist_lenet5", (VIT,)),
    ("tagger of words", "hf"): ("encoder `bert`", "tag_conll2003", (BERT,)),
    ("two encoders of pairs", "hf"): ("encoder `bert`", "embed_tanaka_enja", (BERT,)),
}  # fmt: skip
"""What of a family goes to a target where the spec beside it does not: what the table says, and a spec."""
LOWERED = frozenset({
    "asr_librispeech_ctc: log_probs",
    "embed_tanaka_enja: source_vectors",
    "gan_mnist: generate",
    "image_mnist_lenet5: log_probs",
    "listops: log_probs",
    "lm_masked: log_probs",
    "lm_shakespeare_char: log_probs",
    "lm_shakespeare_char: step",
    "mt_tanaka_jaen: encode",
    "mt_tanaka_jaen: step",
    "point_modelnet40: log_probs",
    "segmentation_pet_unet: logits",
    "tag_conll2003: log_probs",
    "vae_mnist: encode",
    "vae_mnist: decode",
    "vocoder_ljspeech_hifigan: waveform",
})  # fmt: skip
"""Functions that ExecuTorch 1.5.1 was seen to run as the run does, within 1e-6; others were not tried."""


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


def tried(spec, cache, *, sets=()) -> Tried:
    """The spec's profile ``tiny`` at weights none of which is nothing, and a batch of its training data."""
    torch.manual_seed(0)
    overlays = [Overlay.profile("tiny"), *map(Overlay.set, ("data.source.synthetic=24", *sets))]
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
    """What every family gives to every target, as Markdown."""
    columns = ("such as", "`torch_export` and `onnx`", "`executorch`", *(f"`{name}`" for name in FOLDERS))
    lines = [f"| model | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for family, spec in FAMILIES.items():
        subject = tried(spec, cache)
        functions = [graph.name for graph in subject.graphs()]
        lowered = [name for name in functions if f"{spec}: {name}" in LOWERED]
        cells = [_names(functions), "yes" if lowered and lowered == functions else _names(lowered)]
        cells += [_folder(family, subject, target, cache) for target in FOLDERS]
        lines.append(f"| {family} | `{spec}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _names(names) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def _folder(family, subject, target, cache) -> str:
    if goes(subject, target):
        return "yes"
    if (family, target) not in OTHERS:
        return "–"
    told, spec, sets = OTHERS[family, target]
    assert goes(tried(spec, cache, sets=sets), target), f"{told} does not go to {target}"
    return told


def goes(subject, target) -> bool:
    """Whether the target writes the subject, or refuses it as a person should be refused."""
    module = target_of(target)
    with TemporaryDirectory() as folder:
        try:
            getattr(module, "check", module.write)(subject, Path(folder))
        except RunError:
            return False
    return True

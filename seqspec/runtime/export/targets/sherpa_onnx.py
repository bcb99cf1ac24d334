"""A CTC recogniser for sherpa-onnx: Android, iOS, browsers, servers, from the waveform on and without torch.

https://github.com/k2-fsa/sherpa-onnx.  Its program makes Kaldi's features of samples times 32768; what a run
does to them afterwards (other units, the floor, normalisation) goes into the file before the encoder.
"""

# B batch, T frames, D features

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqspec.components._layers.masks import length_mask
from seqspec.components.graphs import Graph
from seqspec.data.corpus.record import AudioRef
from seqspec.data.stages.normalize import LEAST_STD
from seqspec.data.store.durable import write_durably
from seqspec.runtime.export.comparison import example_batch
from seqspec.runtime.export.driver import ctc_best_path
from seqspec.runtime.export.subject import EXAMPLES, Subject
from seqspec.runtime.export.target import Check, required
from seqspec.runtime.export.targets.onnx import write_graph
from seqspec.runtime.export.tracing import described
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import PAD, Logits, Waveform

MODEL, TOKENS = "model.onnx", "tokens.txt"
FEATURES: dict[str, Any] = {
    "window_seconds": 0.025, "hop_seconds": 0.01, "low_hz": 20.0, "preemphasis": 0.97, "dither": 0.0,
    "remove_dc": True, "window": "povey", "spectrum": "power", "energy": "none", "deltas": 0,
    "snip_edges": False,
}  # fmt: skip
"""Settings of the features that sherpa-onnx computes itself."""
BELOW_NYQUIST = 400
"""Hertz from the upper edge of its highest filter to half the sample rate."""
INT16 = 2 * math.log(32768)
"""What its scale of samples adds to a log energy."""
SPACE = "\u2581"
"""How its symbols write the beginning of a word."""


def require() -> dict[str, str]:
    """The runtime, and what writes the file."""
    names = ("onnx", "onnxscript", "onnxruntime", "sherpa_onnx")
    return {
        name: required(name, extra="sherpa" if name == "sherpa_onnx" else "export",
                       wanted_by="`--to sherpa_onnx`").__version__
        for name in names
    }  # fmt: skip


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """``model.onnx`` with what its reader wants to know, and ``tokens.txt``."""
    logits = check(subject, folder)
    graph = _graph(subject)
    facts = {
        "model_type": "wenet_ctc",
        "vocab_size": str(logits.vocab),
        "subsampling_factor": str(logits.stride),
    }
    write_graph(graph, folder / MODEL, target="sherpa_onnx", run=subject.folder.path.name, facts=facts)
    lines = (f"{symbol} {id}\n" for id, symbol in enumerate(_symbols(subject)))
    write_durably(folder / TOKENS, "".join(lines).encode())
    rate, bins = _source(subject).rate, _feature(subject).num_bins
    call = f"from_wenet_ctc(model={MODEL!r}, tokens={TOKENS!r}, sample_rate={rate}, feature_dim={bins})"
    return {
        "graphs": {"log_probs": described(graph, MODEL)},
        "tokens": TOKENS,
        "open": f"sherpa_onnx.OfflineRecognizer.{call}",
    }


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """Texts of sherpa-onnx, from the waveform on, beside those of the run's best path."""
    import sherpa_onnx

    rate = _source(subject).rate
    recognizer = sherpa_onnx.OfflineRecognizer.from_wenet_ctc(
        model=str(folder / MODEL), tokens=str(folder / TOKENS), num_threads=torch.get_num_threads(),
        sample_rate=rate, feature_dim=_feature(subject).num_bins,
    )  # fmt: skip
    different = total = 0
    for ref in _recordings(subject):
        stream = recognizer.create_stream()
        stream.accept_waveform(rate, _reader(subject)(ref))
        recognizer.decode_stream(stream)
        total += 1
        different += " ".join(stream.result.text.split()) != _best_path(subject, ref)
    if not total:
        raise DataError("there is no recording to compare on", help="name some with --inputs FILE…")
    return [Check(f"texts of {total} recordings, by best path", different / total, 0.0)]


class _Recogniser(nn.Module):
    """The graph ``log_probs`` behind what the run does to features."""

    mean_D: Tensor
    std_D: Tensor

    def __init__(self, graph: Graph, subject: Subject) -> None:
        super().__init__()
        self.function = graph.function
        self.how = subject.opened.parts.normalize["source"]
        feature = _feature(subject)
        self.offset = INT16 if feature.scale == "unit" else 0.0
        self.floor = math.log(feature.floor)
        known = subject.opened.run.kept.statistics.get("source")
        if known is not None:
            self.register_buffer("mean_D", torch.as_tensor(known.mean, dtype=torch.float32))
            self.register_buffer("std_D", torch.as_tensor(known.std, dtype=torch.float32))

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        x_BTD, lengths_B = given
        x_BTD = (x_BTD - self.offset).clamp_min(self.floor)
        real_BT1 = length_mask(lengths_B, x_BTD.shape[1])[:, :, None]
        if self.how == "utterance":
            count_B11 = lengths_B[:, None, None].to(x_BTD.dtype).clamp(min=1)
            x_BTD = x_BTD - (x_BTD * real_BT1).sum(1, keepdim=True) / count_B11
            square_B1D = (x_BTD.square() * real_BT1).sum(1, keepdim=True) / count_B11
            x_BTD = x_BTD / square_B1D.sqrt().clamp_min(LEAST_STD)
        elif self.how == "global":
            x_BTD = (x_BTD - self.mean_D) / self.std_D
        found: tuple[Tensor, ...] = self.function(x_BTD.masked_fill(~real_BT1, 0.0), lengths_B)
        return found


def _graph(subject: Subject) -> Graph:
    """``x`` and ``x_lens`` to ``log_probs`` and ``log_probs_lens``, by its reader's names."""
    (inner,) = subject.graphs(example_batch(subject.batches[0]))
    x, lengths = inner.given.values()
    x_axes, length_axes = inner.inputs.values()
    outputs = dict(zip(("log_probs", "log_probs_lens"), inner.outputs.values(), strict=True))
    given, inputs = {"x": x, "x_lens": lengths}, {"x": x_axes, "x_lens": length_axes}
    note = f"{inner.note} Takes Kaldi's features of samples in int16."
    return Graph("log_probs", _Recogniser(inner, subject), given, inputs, outputs, note)


def check(subject: Subject, folder: Path) -> Logits:
    """What the recogniser scores; raises ``RunError`` for what sherpa-onnx cannot run or feeds otherwise."""
    logits = subject.compiled.plan.node("model").gives
    if not isinstance(logits, Logits) or not logits.blank or not isinstance(_type(subject), Waveform):
        kind = subject.compiled.plan.experiment.model.component[1]
        raise RunError(f"`--to sherpa_onnx` writes CTC recognisers of recordings, and this is a `{kind}`",
                       exit=Exit.USAGE, help="`--to onnx` takes other models")  # fmt: skip
    feature = _feature(subject)
    if feature.component[1] != "log_mel":
        _refuse("type", feature.component[1], "log_mel")
    for name, value in {**FEATURES, "high_hz": _source(subject).rate / 2 - BELOW_NYQUIST}.items():
        if getattr(feature, name) != value:
            _refuse(name, getattr(feature, name), value)
    return logits


def _refuse(name: str, found: object, wanted: object) -> None:
    def told(value: object) -> str:
        return {None: "left out", True: "true", False: "false"}.get(value) or f"{value}"  # type: ignore[call-overload]

    text = f"{wanted:g}" if isinstance(wanted, float) else told(wanted)
    raise RunError(
        f"sherpa-onnx computes features with `{name}: {text}`, and the run's have {told(found)}",
        exit=Exit.USAGE,
        help=f"train with `data.audio.features: {{{name}: {text}, …}}`, or use `--to onnx`",
    )


def _symbols(subject: Subject) -> list[str]:
    """As sherpa-onnx joins them: the blank by its name, a new word by its mark."""
    steps: Any = subject.opened.parts.text["target"]
    pieces = list(steps.tokenizer.pieces(list(range(steps.vocab_size))))
    first = len(pieces) - 1
    words = steps.decode([first, first]) == f"{steps.decode([first])} {steps.decode([first])}"
    apart = words and not pieces[first].startswith(SPACE)
    found = [SPACE + one if apart and id > PAD else one.replace(" ", SPACE) for id, one in enumerate(pieces)]
    found[PAD] = "<blk>"
    return found


def _best_path(subject: Subject, ref: AudioRef) -> str:
    frames = subject.opened.predictor.prepare(ref)
    with torch.inference_mode():
        batch = subject.opened.predictor.batch([0], [frames])
        log_probs, lengths = next(iter(subject.graphs(batch))).results()
    ids = ctc_best_path(log_probs.numpy(), lengths.numpy())[0]
    return " ".join(str(subject.opened.parts.text["target"].decode(ids)).split())


def _recordings(subject: Subject) -> list[AudioRef]:
    if subject.split is None:
        return [AudioRef(Path(one)) for one in subject.named]
    assert subject.assembled is not None
    examples = subject.assembled.prepared.parts.adapter.examples(subject.split)
    found = (getattr(one, "get", lambda _: None)("source") for one in examples)
    return list(islice((one for one in found if isinstance(one, AudioRef)), EXAMPLES))


def _reader(subject: Subject) -> Any:
    reader = subject.opened.parts.reader("source")
    assert reader is not None
    from dataclasses import replace

    other = replace(reader, resample=True, mix_down=True, corpus="")
    return lambda ref: np.asarray(other(ref), np.float32)


def _type(subject: Subject) -> Any:
    return subject.opened.parts.roles.get("source")


def _source(subject: Subject) -> Waveform:
    source = _type(subject)
    assert isinstance(source, Waveform)
    return source


def _feature(subject: Subject) -> Any:
    audio = subject.opened.parts.config.audio
    assert audio is not None
    return audio.pipeline("source").features

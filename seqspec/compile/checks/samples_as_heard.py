"""Samples that a model learns to give, and that are normalised.

The feature `waveform` is the recording itself. Normalised, it is as loud as no recording, and what the model
learns to give cannot be heard.

Example, in the spec of ``seqspec new asr``::

    data:
      source: {task: synthesis}
      text: {target: null, source: {tokenizer: characters}}
      audio: {features: {type: waveform}, normalize: utterance, augment: []}
      batch: {unit: examples, size: 16}
    model: {type: vits}
    loss: null
    losses:
      mel: {type: auxiliary, on: mel}
      kl: {type: auxiliary, on: kl}
      duration: {type: auxiliary, on: duration}
      adversarial: {type: auxiliary, on: adversarial}
      features: {type: auxiliary, on: features}
      critic: {type: auxiliary, on: critic}
    evaluate: {search: {type: synthesis}, metrics: [mel_cepstral_distortion]}

Use instead::

    data:
      source: {task: synthesis}
      text: {target: null, source: {tokenizer: characters}}
      audio: {features: {type: waveform}, normalize: none, augment: []}
      batch: {unit: examples, size: 16}
    model: {type: vits}
    loss: null
    losses:
      mel: {type: auxiliary, on: mel}
      kl: {type: auxiliary, on: kl}
      duration: {type: auxiliary, on: duration}
      adversarial: {type: auxiliary, on: adversarial}
      features: {type: auxiliary, on: features}
      critic: {type: auxiliary, on: critic}
    evaluate: {search: {type: synthesis}, metrics: [mel_cepstral_distortion]}
"""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ391"


def check(plan: Plan) -> Iterator[Finding]:
    audio = plan.experiment.data.audio
    if audio is None:
        return
    steps = audio.pipeline("target")
    if getattr(steps.features, "samples", False) and steps.normalize != "none":
        yield Finding(
            ("data", "audio", *audio.place("target"), "normalize"),
            f"the target is the recording's own samples, and they are normalised ({steps.normalize})",
            help="write `normalize: none`",
        )

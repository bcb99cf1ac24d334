"""Two transforms of different size over the same samples.

The feature `waveform` leaves out recordings that are too short for the transform that it is told of. A model
that takes a spectrum of the samples itself needs the same, or it meets recordings that its own transform
cannot read, or never sees some that it could.

Example, in the spec of ``seqspec new asr``::

    data:
      source: {task: synthesis}
      text: {target: null, source: {tokenizer: characters}}
      audio: {features: {type: waveform, fft_samples: 1024}, normalize: none, augment: []}
      batch: {unit: examples, size: 16}
    model: {type: vits, fft_samples: 2048}
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
      audio: {features: {type: waveform, fft_samples: 2048}, normalize: none, augment: []}
      batch: {unit: examples, size: 16}
    model: {type: vits, fft_samples: 2048}
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

CODE = "SQ392"


def check(plan: Plan) -> Iterator[Finding]:
    audio = plan.experiment.data.audio
    own = getattr(plan.experiment.model, "fft_samples", None)
    if audio is None or own is None:
        return
    features = audio.pipeline("target").features
    told = getattr(features, "fft_samples", own)
    if getattr(features, "samples", False) and told != own:
        yield Finding(
            ("model", "fft_samples"),
            f"the model's transform has {own:,} points, and the samples are kept for one of {told:,}",
            help=f"write `fft_samples: {own}` for the features, or `fft_samples: {told}` here",
            also=((("data", "audio", *audio.place("target"), "features"), f"{told:,} points here"),),
        )

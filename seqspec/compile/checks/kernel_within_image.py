"""A convolution whose kernel is larger than the image that reaches it.

Poolings and strides shrink an image, so a kernel that fits the first layer may be wider than what is left
for a later one.  Zeros stand around the image: the kernel runs, but many of its weights see nothing else.

An encoder is asked where its config says, by ``seen_last``, how many pixels reach its last such convolution.

Example, in the spec of ``seqspec new lm``::

    data:
      source: {type: mnist, root: digits}
      text: {target: null}
      pack: null
      batch: {unit: examples, size: 64}
    model: {type: classifier, encoder: {type: lenet, channels: [20, 50], kernel: 15}}
    evaluate: {splits: [test], search: null, metrics: [accuracy]}

Use instead a kernel that fits the 14 × 14 pixels that one pooling leaves of 28 × 28::

    data:
      source: {type: mnist, root: digits}
      text: {target: null}
      pack: null
      batch: {unit: examples, size: 64}
    model: {type: classifier, encoder: {type: lenet, channels: [20, 50], kernel: 5}}
    evaluate: {splits: [test], search: null, metrics: [accuracy]}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Image

CODE = "SQ235"

SMALLEST = 3
"""Kernels that see their neighbours only are taken on any image: from 2 × 2 on no weight is idle."""


def check(plan: Plan) -> Iterator[Finding]:
    node = next((node for node in plan.nodes if node.path == ("model", "encoder")), None)
    encoder: Any = getattr(plan.experiment.model, "encoder", None)
    image = node.takes[0][1] if node is not None else None
    if not isinstance(image, Image) or not hasattr(encoder, "seen_last"):
        return
    kernel = encoder.kernel
    height, width = encoder.seen_last(image)
    largest = max(SMALLEST, (min(height, width) - 1) // 2 * 2 + 1)
    if kernel > largest:
        yield Finding(
            ("model", "encoder", "kernel"),
            f"a kernel of {kernel} × {kernel} is larger than the {height} × {width} pixels that it sees last",
            help=f"use a kernel of at most {largest}, or fewer layers that shrink the image",
            severity="warning",
        )

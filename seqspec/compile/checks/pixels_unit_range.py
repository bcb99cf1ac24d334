"""A model that makes images and is given normalised ones.

What a model makes is turned back into pixels of 0 to 255, so it must know what the numbers mean that it learns from: they are to lie in [0, 1], as ``normalize: unit`` leaves them. A model says so by ``reads_pixels``.

Example, in the spec of ``seqspec new lm``::

    data:
      source: {type: mnist, root: digits}
      text: {target: null}
      pack: null
      batch: {unit: examples, size: 64}
      image: {normalize: image}
    model: {type: gan, generator: dcgan, discriminator: dcgan}
    loss: null
    losses: {critic: {type: hinge, on: critic}, generator: {type: hinge, on: generator}}
    optimizer: null
    optimizers:
      critic: {type: adam, parameters: [model.discriminator], schedule: {type: constant, peak: 2.0e-4}}
      generator: {type: adam, parameters: [model.generator], schedule: {type: constant, peak: 2.0e-4}}
    procedure: adversarial
    evaluate: {splits: [test], search: null, metrics: []}

Use instead::

    data:
      source: {type: mnist, root: digits}
      text: {target: null}
      pack: null
      batch: {unit: examples, size: 64}
      image: {normalize: unit}
    model: {type: gan, generator: dcgan, discriminator: dcgan}
    loss: null
    losses: {critic: {type: hinge, on: critic}, generator: {type: hinge, on: generator}}
    optimizer: null
    optimizers:
      critic: {type: adam, parameters: [model.discriminator], schedule: {type: constant, peak: 2.0e-4}}
      generator: {type: adam, parameters: [model.generator], schedule: {type: constant, peak: 2.0e-4}}
    procedure: adversarial
    evaluate: {splits: [test], search: null, metrics: []}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.types import Image

CODE = "SQ298"


def check(plan: Plan) -> Iterator[Finding]:
    wanted = getattr(plan.experiment.model, "reads_pixels", None)
    image = plan.experiment.data.image
    source = next((type_ for name, type_ in plan.node("model").takes if name == "source"), None)
    if wanted is None or image is None or not isinstance(source, Image):
        return
    given = image.pipeline("source").normalize
    if given != wanted:
        yield Finding(
            ("data", "image", *image.place("source"), "normalize"),
            f"the model makes images of values in [0, 1], and `normalize: {given}` gives it others",
            help=f"write `normalize: {wanted}`",
            also=((("model",), "the model"),),
        )

"""A model that makes images, or an augmentation of colours, and is given normalised ones.

What a model makes is turned back into pixels of 0 to 255, so it must know what the numbers mean that it learns from: they are to lie in [0, 1], as ``normalize: unit`` leaves them. Colours can be changed in that range alone. Models and augmentations say so by ``reads_pixels``.

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
from seqspec.schema.sections.data import ImagePipeline
from seqspec.schema.source import Path
from seqspec.schema.types import Image

CODE = "SQ298"


def check(plan: Plan) -> Iterator[Finding]:
    image = plan.experiment.data.image
    if image is None:
        return
    wanted = getattr(plan.experiment.model, "reads_pixels", None)
    takes = next((node.takes for node in plan.nodes if node.path == ("model",)), ())
    source = next((type_ for name, type_ in takes if name == "source"), None)
    if wanted is not None and isinstance(source, Image):
        yield from _finding(image.pipeline("source"), image.place("source"), wanted, ("model",))
    for role in ("source", *image.fields):
        place, steps = image.place(role), image.pipeline(role)
        for number, step in enumerate(steps.augment):
            wanted = getattr(step, "reads_pixels", None)
            if wanted is not None:
                yield from _finding(steps, place, wanted, ("data", "image", *place, "augment", number))


def _finding(steps: ImagePipeline, place: Path, wanted: str, reader: Path) -> Iterator[Finding]:
    if steps.normalize != wanted:
        name = "the model makes" if reader == ("model",) else "this augmentation changes"
        yield Finding(
            ("data", "image", *place, "normalize"),
            f"{name} images of values in [0, 1], and `normalize: {steps.normalize}` gives it others",
            help=f"write `normalize: {wanted}`",
            also=((reader, "reads them"),),
        )

"""Images that are mixed where labels cannot be shared, or before they are changed one by one.

``mixup`` and ``cutmix`` make one image of two, and the target becomes a probability for each class. So the target must be a label, the model one that learns labels, and every loss one that reads probabilities: ``cross_entropy``. They come last in ``augment``, as what follows would change both images at once; and a batch must hold a second image.

Example, in the spec of ``seqspec new lm``::

    data:
      source: {type: mnist, root: digits}
      text: {target: null}
      pack: null
      batch: {unit: examples, size: 64}
      image: {normalize: unit, augment: [mixup]}
    model: {type: classifier, encoder: lenet}
    loss: {type: focal}
    evaluate: {splits: [test], search: null, metrics: [accuracy]}

Use instead::

    data:
      source: {type: mnist, root: digits}
      text: {target: null}
      pack: null
      batch: {unit: examples, size: 64}
      image: {normalize: unit, augment: [mixup]}
    model: {type: classifier, encoder: lenet}
    loss: {type: cross_entropy}
    evaluate: {splits: [test], search: null, metrics: [accuracy]}
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from seqspec.compile.plan.plan import Plan
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path
from seqspec.schema.types import Classes, Image

CODE = "SQ394"


def check(plan: Plan) -> Iterator[Finding]:
    image = plan.experiment.data.image
    if image is None:
        return
    for role, type_ in plan.roles.items():
        if not isinstance(type_, Image):
            continue
        steps = image.pipeline(role).augment
        place = ("data", "image", *image.place(role), "augment")
        for number, step in enumerate(steps):
            if _mixes(step):
                yield from _step(plan, role, step, (*place, number))
                yield from _order(steps, step, (*place, number))


def _step(plan: Plan, role: str, step: Config, at: Path) -> Iterator[Finding]:
    """The first thing that keeps labels from being shared."""
    name, model, batch = step.component[1], plan.experiment.model, plan.experiment.data.batch
    others = [one for one, type_ in plan.roles.items() if isinstance(type_, Image) and one != role]
    hard = {place: loss for place, loss in plan.losses.items() if not getattr(loss, "soft_targets", False)}
    target = plan.roles.get("target")
    if not isinstance(target, Classes):
        shown = "there is no target" if target is None else f"the target is {target}"
        yield Finding(at, f"`{name}` shares labels between images, and {shown}", help=f"take `{name}` out")
    elif not getattr(model, "shares_labels", False):
        message = f"`{name}` shares labels between images, and model `{model.component[1]}` learns none"
        yield Finding(at, message, help=f"take `{name}` out, or use model `classifier`")
    elif others:
        message = f"`{name}` makes one {role} of two, and the corpus has another image, `{others[0]}`"
        yield Finding(at, message, help=f"take `{name}` out")
    elif hard:
        place, loss = next(iter(hard.items()))
        message = f"`{name}` makes probabilities of labels, and loss `{loss.component[1]}` reads one class"
        yield Finding(place, message, help="use `cross_entropy`", also=((at, "mixes the labels"),))
    elif batch.unit == "examples" and batch.size < 2:
        message = f"`{name}` mixes an image with another of its batch, and a batch holds one"
        yield Finding(("data", "batch", "size"), message, help="write 2 or more", also=((at, "mixes"),))


def _mixes(step: Config) -> bool:
    """Whether a step of augmentation makes one example of two; asked without loading what says so."""
    return bool(getattr(step, "mixes", False))


def _order(steps: list[Config], step: Config, at: Path) -> Iterator[Finding]:
    after = [one.component[1] for one in steps[int(at[-1]) + 1 :] if not _mixes(one)]
    if after:
        yield Finding(
            at,
            f"`{step.component[1]}` mixes images before `{after[0]}` changes them one by one",
            help=f"put it behind `{after[-1]}`",
        )

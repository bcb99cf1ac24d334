"""Build the ``data`` part: adapter, text steps, features and augmentation.  torch loads only where a feature
needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.compile.build.construct import Constructor
from seqspec.compile.infer.objectives import in_order, read_by
from seqspec.compile.plan.digests import result_fields
from seqspec.data.stages.parts import DataParts
from seqspec.data.text.text_pipeline import TextProcessor
from seqspec.schema.augment._mixing import mixes
from seqspec.schema.types import Auxiliary, Counted, Image, Mask, Text, Type, Waveform

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan
    from seqspec.schema.sections.data import Data


def build_data(plan: Plan) -> DataParts:
    """The built data components of a plan; no file is touched."""
    constructor = Constructor(plan)
    config = plan.experiment.data
    adapter = constructor.build("data", "source")
    adapter.place = f"tasks.{plan.task}.data.source" if plan.task else "data.source"
    roles = config.source.roles()
    augments = _augments(constructor, roles)
    return DataParts(
        config=config,
        adapter=adapter,
        roles=roles,
        text=_text(constructor, roles),
        features=_features(constructor, roles),
        augments=_chosen(augments, mixing=False),
        waveform_augments=_waveform_augments(constructor, roles),
        mixers=_chosen(augments, mixing=True),
        fingerprints={
            "source": result_fields(config.source),
            **{f"features.{role}": print_ for role, print_ in _feature_prints(config, roles).items()},
        },
        seed=plan.experiment.seed,
        counted=counted(plan),
    )


def counted(plan: Plan) -> dict[str, Counted]:
    """What the sum of each loss is divided by, that on the main output first."""
    outputs = plan.outputs
    order = in_order(plan.losses, outputs)
    found = {name: config.counts(outputs[read_by(config, outputs)]) for name, config in order.items()}
    if found and plan.experiment.losses is None:
        # Trained beside the one loss under their own names (``build_losses``).
        beside = {on for on, type_ in plan.outputs.items() if isinstance(type_, Auxiliary) and type_.examples}
        found |= {on: Counted("target", "examples") for on in sorted(beside)}
    return found or {"loss": Counted("target", "tokens_and_end")}


def _text(constructor: Constructor, roles: Mapping[str, Type]) -> dict[str, TextProcessor]:
    """The text steps by field; fields that share a vocabulary share the very object."""
    text = constructor.plan.experiment.data.text
    built: dict[tuple[str, ...], TextProcessor] = {}
    given: dict[str, TextProcessor] = {}
    for role in (role for role, type_ in roles.items() if isinstance(type_, Text)):
        place = text.place(role)
        if not constructor.has("data", "text", *place, "tokenizer"):
            continue
        if place not in built:
            built[place] = TextProcessor(
                normalizers=_list(constructor, "text", *place, "normalize"),
                segmenter=_optional(constructor, "text", *place, "segment"),
                tokenizer=constructor.build("data", "text", *place, "tokenizer"),
            )
        given[role] = built[place]
    return given


def _features(constructor: Constructor, roles: Mapping[str, Type]) -> dict[str, Any]:
    """What is computed from each audio field; fields of the same steps share the object."""
    audio = constructor.plan.experiment.data.audio
    places = {
        role: audio.place(role)
        for role, type_ in roles.items()
        if isinstance(type_, Waveform) and audio is not None
    }
    built = {place: _optional(constructor, "audio", *place, "features") for place in set(places.values())}
    return {role: built[place] for role, place in places.items() if built[place] is not None}


def _augments(constructor: Constructor, roles: Mapping[str, Type]) -> dict[str, list[Any]]:
    """Augmentation by field, of those that have any."""
    data = constructor.plan.experiment.data
    found: dict[str, list[Any]] = {}
    for role, type_ in roles.items():
        if isinstance(type_, Waveform) and data.audio is not None:
            found[role] = _list(constructor, "audio", *data.audio.place(role), "augment")
        elif isinstance(type_, Image) and data.image is not None:
            found[role] = _list(constructor, "image", *data.image.place(role), "augment")
    for role, mask in roles.items():
        if isinstance(mask, Mask):
            found[role] = _mask_steps(found, roles, mask)
    return {role: steps for role, steps in found.items() if steps}


def _waveform_augments(constructor: Constructor, roles: Mapping[str, Type]) -> dict[str, list[Any]]:
    """What changes the samples of each audio field."""
    audio = constructor.plan.experiment.data.audio
    timed = [role for role, type_ in roles.items() if isinstance(type_, Waveform) and audio is not None]
    found = {
        role: _list(constructor, "audio", *audio.place(role), "waveform_augment")  # type: ignore[union-attr]
        for role in timed
    }
    return {role: steps for role, steps in found.items() if steps}


def _chosen(steps: Mapping[str, list[Any]], *, mixing: bool) -> dict[str, list[Any]]:
    """The steps that make one example of two, or those that change one."""
    found = {role: [step for step in held if mixes(step) == mixing] for role, held in steps.items()}
    return {role: held for role, held in found.items() if held}


def _mask_steps(steps: Mapping[str, list[Any]], roles: Mapping[str, Type], mask: Mask) -> list[Any]:
    """What is done to the first image field of the mask's size, done to the mask."""
    for role, image in roles.items():
        if isinstance(image, Image) and (image.height, image.width) == (mask.height, mask.width):
            held = steps.get(role, [])
            if held:
                from seqspec.components.augment._image import MaskStep

                return [MaskStep(step, ignore=mask.ignore) for step in held if not mixes(step)]
            return []
    return []


def _feature_prints(config: Data, roles: Mapping[str, Type]) -> dict[str, object]:
    """The features' configs by audio field, without what affects no result."""
    timed = [role for role, type_ in roles.items() if isinstance(type_, Waveform)]
    return (
        {}
        if config.audio is None
        else {role: result_fields(config.audio.pipeline(role).features) for role in timed}
    )


def _optional(constructor: Constructor, *path: str) -> Any:
    return constructor.build("data", *path) if constructor.has("data", *path) else None


def _list(constructor: Constructor, *path: str) -> list[Any]:
    found: list[Any] = []
    while constructor.has("data", *path, len(found)):
        found.append(constructor.build("data", *path, len(found)))
    return found

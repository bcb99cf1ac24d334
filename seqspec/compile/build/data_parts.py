"""Build the ``data`` part: adapter, text steps, features and augmentation.  torch loads only where a feature
needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqspec.compile.build.construct import Constructor
from seqspec.compile.plan.digests import result_fields
from seqspec.data.stages.parts import DataParts
from seqspec.data.text.text_pipeline import TextProcessor

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan


def build_data(plan: Plan) -> DataParts:
    """The built data components of a plan; no file is touched."""
    constructor = Constructor(plan)
    config = plan.experiment.data
    roles = config.source.roles()  # type: ignore[attr-defined]
    return DataParts(
        config=config,
        adapter=constructor.build("data", "source"),
        roles=roles,
        text=_text(constructor, tuple(roles)),
        feature=_optional(constructor, "audio", "features"),
        augments=[*_list(constructor, "audio", "augment"), *_list(constructor, "image", "augment")],
        fingerprints={
            "source": result_fields(config.source),
            "features": None if config.audio is None else result_fields(config.audio.features),
        },
        seed=plan.experiment.seed,
        target_unit=getattr(plan.experiment.model, "target_unit", "tokens_and_end"),
    )


def _text(constructor: Constructor, roles: tuple[str, ...]) -> dict[str, TextProcessor]:
    """The text steps by role; roles that share a vocabulary share the very object."""
    built: dict[str, TextProcessor] = {}
    given: dict[str, TextProcessor] = {}
    for role in roles:
        name = role if constructor.has("data", "text", role, "tokenizer") else "shared"
        if not constructor.has("data", "text", name, "tokenizer"):
            continue
        if name not in built:
            built[name] = TextProcessor(
                normalizers=_list(constructor, "text", name, "normalize"),
                segmenter=_optional(constructor, "text", name, "segment"),
                tokenizer=constructor.build("data", "text", name, "tokenizer"),
            )
        given[role] = built[name]
    return given


def _optional(constructor: Constructor, *path: str) -> Any:
    return constructor.build("data", *path) if constructor.has("data", *path) else None


def _list(constructor: Constructor, *path: str) -> list[Any]:
    found: list[Any] = []
    while constructor.has("data", *path, len(found)):
        found.append(constructor.build("data", *path, len(found)))
    return found

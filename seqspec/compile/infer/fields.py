"""What reaches the model: the fields of the corpus after every declared step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seqspec.compile.infer.flow import TypeFlow
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Poison, Type


def data_types(flow: TypeFlow) -> dict[str, Type]:
    """What reaches the model: the adapter's roles after every declared step."""
    data = flow.config
    try:
        roles = data.source.roles()
    except Mismatch as mismatch:
        flow.fault(("source", *mismatch.at), mismatch.message, help=mismatch.help)
        return {"source": Poison(), "target": Poison()}
    flow.note("source", {}, next(iter(roles.values())))
    given: dict[str, Type] = {}
    flow.fields = tuple(roles)
    for role, raw in roles.items():
        flow.record.gave((*flow.path, "source"), raw)
        given[role] = _role(flow, role, raw) if _alone(flow, role, roles) else Poison()
    return given


def _alone(flow: TypeFlow, role: str, roles: Mapping[str, Type]) -> bool:
    """Whether steps that an audio field shares with an earlier one read the same type; else it is noted."""
    from seqspec.schema.types import Waveform

    audio, raw = flow.config.audio, roles[role]
    if audio is None or not isinstance(raw, Waveform) or _misnames(flow, audio.fields):
        return True
    for other, type_ in roles.items():
        if other == role:
            return True
        if isinstance(type_, Waveform) and type_ != raw and audio.place(role) == audio.place(other):
            flow.fault(
                ("audio",),
                f"`{other}` is {type_} and `{role}` is {raw}, and both go through the same steps",
                help=f"give one its own: `audio: {{fields: {{{role}: {{features: …}}}}}}`",
            )
            return False
    return True


def _misnames(flow: TypeFlow, named: Iterable[str]) -> bool:
    """Whether steps stand under a name that the corpus lacks: a rule tells that, and what lacks steps then is
    no second mistake.
    """
    return any(name not in flow.fields for name in named)


def _normalized(given: Type, how: str) -> Type:
    """Frames that were normalised by what the data tell are no longer such as a vocoder could read."""
    from dataclasses import replace

    from seqspec.schema.types import Frames

    return replace(given, mel=None) if how != "none" and isinstance(given, Frames) and given.mel else given


def _role(flow: TypeFlow, role: str, raw: Type) -> Type:
    from seqspec.schema.types import Image, Text, Waveform

    data = flow.config
    match raw:
        case Text():
            place, pipeline = data.text.place(role), data.text.pipeline(role)
            if pipeline is None and _misnames(flow, data.text.fields):
                return Poison()
            if pipeline is None:
                usual = role in ("source", "target")
                own, name = f"{role}: {{tokenizer: …}}", role if usual else f"fields.{role}"
                flow.fault(
                    (),
                    f"the corpus gives text as its {role}, and `data.text.{name}` does not cut it up",
                    help=f"add `text: {{{own if usual else f'fields: {{{own}}}'}}}` under `data`",
                )
                return Poison()
            below = TypeFlow(pipeline, (*flow.path, "text", *place), flow.record)
            below.nodes("normalize", raw)
            if pipeline.segment is not None:
                below.node("segment", raw)
            return below.node("tokenizer", raw)
        case Waveform():
            if data.audio is None:
                flow.fault(
                    (),
                    f"the corpus gives audio as its {role}, and `data.audio` is not there",
                    help="add `audio: {features: log_mel}` under `data`",
                )
                return Poison()
            steps = data.audio.pipeline(role)
            below = TypeFlow(steps, (*flow.path, "audio", *data.audio.place(role)), flow.record)
            given = below.nodes("augment", below.node("features", below.nodes("waveform_augment", raw)))
            return _normalized(given, steps.normalize)
        case Image():
            if data.image is None:
                return raw
            steps = data.image.pipeline(role)
            below = TypeFlow(steps, (*flow.path, "image", *data.image.place(role)), flow.record)
            return below.nodes("augment", raw)
    return flow.record.known(raw)

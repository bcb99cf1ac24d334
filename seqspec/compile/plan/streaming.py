"""Whether the experiment of a plan can follow a recording while it is spoken, and how far behind it is."""

from __future__ import annotations

from typing import Any, NamedTuple

from seqspec.compile.plan.plan import Plan
from seqspec.schema.source import Path, dotted
from seqspec.schema.streaming import Obstacle, Streams, streaming
from seqspec.schema.types import Frames, Waveform


class Latency(NamedTuple):
    """How long a sound is waited for before it can be text, the time of computing aside."""

    chunk_seconds: float
    """Sound that is worked on together."""
    ahead_seconds: float
    """Sound behind it that must have come as well."""
    asked: bool
    """The spec asks for an encoder that streams."""

    @property
    def most_seconds(self) -> float:
        """Of the first sound of a chunk."""
        return self.chunk_seconds + self.ahead_seconds

    def __str__(self) -> str:
        parts = f"chunks of {_ms(self.chunk_seconds)}"
        if self.ahead_seconds > 0:
            parts += f" and {_ms(self.ahead_seconds)} behind each"
        return f"{parts}: a sound is heard after {_ms(self.most_seconds)} at most"


class Blocked(NamedTuple):
    """A part that needs the whole recording."""

    part: Path
    why: Obstacle

    @property
    def setting(self) -> Path:
        """Where the remedy is written."""
        return (*self.part, *self.why.at)

    def __str__(self) -> str:
        return f"`{dotted(self.part)}` cannot stream: {self.why.message}"


def latency_of(plan: Plan) -> Latency | list[Blocked]:
    """How far behind the experiment hears, or all that keeps it from streaming."""
    audio = plan.experiment.data.audio
    if audio is None or not isinstance(plan.roles.get("source"), Waveform):
        return [Blocked(("data", "source"), Obstacle("it reads no recordings", "use a speech recogniser"))]
    place: Path = ("data", "audio", *audio.place("source"))
    found = [_said(plan, (*place, "features")), *_of_model(plan)]
    if plan.config((*place, "normalize")) == "utterance":
        help = "set `normalize: global`, the mean and variance of the training split"
        why = Obstacle("an utterance's own mean and variance are known at its end", help, ("normalize",))
        found.append(Blocked(place, why))
    blocked = [one for one in found if isinstance(one, Blocked)]
    return blocked or _sum(plan, [one for one in found if isinstance(one, _Part)])


def asks_to_stream(plan: Plan) -> bool:
    """Whether a part of the model has a setting that serves streaming alone."""
    parts = [one for one in _of_model(plan) if isinstance(one, _Part)]
    return any(one.streams.asked for one in parts)


class _Part(NamedTuple):
    streams: Streams
    rate: float
    """Steps a second of what it reads."""


def _of_model(plan: Plan) -> list[_Part | Blocked]:
    model: Any = plan.experiment.model
    slots: tuple[str, ...] = getattr(model, "streamed", ())
    if not slots:
        why = Obstacle(
            f"`{model.component[1]}` begins to write when it has heard everything", "use `type: ctc`"
        )
        return [Blocked(("model",), why)]
    return [_said(plan, ("model", slot)) for slot in slots]


def _said(plan: Plan, part: Path) -> _Part | Blocked:
    node = next((one for one in plan.nodes if one.path == part), None)
    if node is None:
        return Blocked(part, Obstacle("it is shared with other tasks", "write the component here"))
    source = node.takes[0][1]
    said = streaming(plan.config(part), source)
    if isinstance(said, Obstacle):
        return Blocked(part, said)
    rate = source.rate if isinstance(source, Waveform | Frames) else 0
    if not rate:
        return Blocked(part, Obstacle("what it reads has no rate", "use features of a recording"))
    return _Part(said, float(rate))


def _sum(plan: Plan, parts: list[_Part]) -> Latency:
    """A part behind another waits for whole chunks of that one: the longer is taken for a multiple."""
    chunk = max(one.streams.chunk / one.rate for one in parts)
    ahead = sum(one.streams.ahead / one.rate for one in parts)
    return Latency(chunk, ahead, any(one.streams.asked for one in parts))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"

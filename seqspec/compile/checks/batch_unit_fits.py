"""A batch that is counted in something the corpus does not have.

``frames`` and ``seconds`` measure sound, ``tokens`` measures text; ``examples`` fits any corpus.  Where
several fields are sound, ``field`` says which one counts.

Example, in the spec of ``seqspec new mt``::

    data: {batch: {unit: seconds, size: 480}}

Use instead::

    data: {batch: {unit: tokens, size: 8192}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.sections.data import Batch
from seqspec.schema.types import Floats, Frames, Integers, Poison, Text, Type, Waveform

CODE = "SQ234"


def check(plan: Plan) -> Iterator[Finding]:
    batch, given = plan.experiment.data.batch, roles(plan)
    at = ("data", "batch", "unit")
    if any(isinstance(type_, Poison) for type_ in given.values()):
        return
    if batch.field is not None:
        yield from _field(batch, given)
    elif batch.unit in ("frames", "seconds"):
        timed = [role for role, type_ in given.items() if isinstance(type_, Waveform)]
        if not timed:
            told = " and ".join(dict.fromkeys(str(type_) for type_ in given.values()))
            message = f"`{batch.unit}` measures sound, and the corpus gives {told}"
            yield Finding(at, message, help="count `tokens` or `examples`")
        elif len(timed) > 1:
            message = f"`{batch.unit}` measures sound, and {' and '.join(f'`{role}`' for role in timed)} are"
            yield Finding(at, message, help=f"say which: `field: {timed[0]}`")
    elif batch.unit == "tokens" and given and not any(isinstance(t, Text) for t in given.values()):
        yield Finding(at, "`tokens` measures text, and the corpus gives none", help="count `examples`")


def _field(batch: Batch, given: Mapping[str, Type]) -> Iterator[Finding]:
    """Whether the field that is named can be counted so; that it is there is another rule's."""
    at, type_ = ("data", "batch", "field"), given.get(batch.field or "")
    kinds: dict[str, tuple[type[Type], ...]] = {
        "tokens": (Text, Integers, Floats), "frames": (Waveform, Frames), "seconds": (Waveform, Frames)
    }  # fmt: skip
    if batch.unit == "examples":
        yield Finding(at, "`examples` are counted whole, whatever their fields", help="take `field` out")
    elif type_ is not None and not isinstance(type_, kinds[batch.unit]):
        fitting = [role for role, other in given.items() if isinstance(other, kinds[batch.unit])]
        help = f"name {' or '.join(f'`{role}`' for role in fitting)}" if fitting else "count `examples`"
        yield Finding(at, f"`{batch.field}` is {type_}, which has no {batch.unit}", help=help)
    elif batch.unit == "seconds" and isinstance(type_, Frames) and not type_.rate:
        message = f"the frames of `{batch.field}` have no rate"
        yield Finding(at, message, help="count `frames`, or state the field's `rate`")

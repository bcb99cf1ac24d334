"""A part that comes from a folder whose tensors are not those that it needs.

A part with `from` takes every weight from the folder, unless `fresh` names the parts that begin at random. A
tensor that is missing, one that nothing has a place for, and one of another shape are mistakes: they mean
that the folder holds another model than the spec says. Tensors that belong to parts which the spec does not
take, such as the softmax of a language model of which only the decoder is used, are left over; `seqspec
explain SPEC` lists them.

Example, in the spec of ``seqspec new lm``::

    model: {from: "${env:SMALL_LLAMA}", fresh: [model.hed], decoder: {type: llama}, tie: none}

Use instead::

    model: {from: "${env:SMALL_LLAMA}", fresh: [model.head], decoder: {type: llama}, tie: none}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from seqspec.compile.plan.plan import Plan, PlanNode
from seqspec.data.pretrained.comparison import Comparison, compare
from seqspec.data.pretrained.hf_folder import named_here, open_folder
from seqspec.schema.diagnostic import DataError, Finding
from seqspec.schema.pretrained import Pretrained
from seqspec.schema.source import dotted
from seqspec.schema.types import Waveform

CODE = "SQ273"
HEARD_OTHERWISE = "SQ452"


def _heard_otherwise(plan: Plan, one: Comparing) -> Iterator[Finding]:
    """Sound that does not come as the folder's preprocessor_config.json says."""
    audio, at = plan.experiment.data.audio, (*one.node.path, "from")
    rates = {type_.rate for type_ in plan.roles.values() if isinstance(type_, Waveform)}
    wanted = one.preprocessor.get("sampling_rate")
    if type(wanted) is int and rates and wanted not in rates:
        message = f"the folder hears {wanted:,} samples a second, and the corpus gives {min(rates):,}"
        help = "let the adapter resample, or name a folder of this rate"
        yield Finding(at, message, help=help, code=HEARD_OTHERWISE, also=((("data", "source"), "here"),))
    told, held = one.preprocessor.get("do_normalize"), getattr(audio and audio.features, "normalize", None)
    if type(told) is bool and held is not None and told != (held == "utterance"):
        word = "utterance" if told else "none"
        yield Finding(
            ("data", "audio", "features"),
            f"the folder's `do_normalize` is {str(told).lower()}, and the samples are normalised by `{held}`",
            help=f"set `normalize: {word}`",
            code=HEARD_OTHERWISE,
            also=((at, "the folder"),),
        )


class Comparing(NamedTuple):
    """A part of the plan that comes from a folder, beside that folder."""

    node: PlanNode
    config: Pretrained
    found: Comparison
    preprocessor: Mapping[str, Any]


def check(plan: Plan) -> Iterator[Finding]:
    parts = {dotted(node.path) for node in plan.nodes}
    for node, config in folder_parts(plan):
        for index, name in enumerate(config.fresh):
            if name not in parts:
                at = (*node.path, "fresh", index)
                yield Finding(at, f"there is no part `{name}` in this model", help="name a part by its place")
    for one in comparisons(plan):
        why = _mistake(one.found)
        if why is not None:
            reasons = plan.provenance.reasons if plan.provenance is not None else {}
            at = (*one.node.path, "from")
            if at in reasons:  # the part around it was told the folder
                at = (*one.node.path[:-1], "from")
            yield Finding(at, f"the folder does not fit `{dotted(one.node.path)}`: {why}", help=_HELP)
        yield from _heard_otherwise(plan, one)


_HELP = (
    "name the folder of this model, set what the spec says otherwise, or name the parts that start `fresh`"
)


def folder_parts(plan: Plan) -> tuple[tuple[PlanNode, Pretrained], ...]:
    """Parts whose weights come from a folder."""
    pairs = ((node, plan.config(node.path)) for node in plan.nodes if node.path[:1] == ("model",))
    return tuple((node, c) for node, c in pairs if isinstance(c, Pretrained) and c.folder is not None)


def comparisons(plan: Plan) -> Iterator[Comparing]:
    """Each of them beside its folder, where that is on this machine and whole; inference has told what is
    not.
    """
    for node, config in folder_parts(plan):
        assert config.folder is not None
        if not named_here(config.folder):
            continue
        try:
            folder = open_folder(config.folder).as_folder()
        except DataError:
            continue
        layout = config.layout(dict(node.takes))
        found = compare(layout, folder.tensors, fresh=fresh_below(plan, node))
        yield Comparing(node, config, found, folder.preprocessor)


def left_over(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Tensors that no part of the plan takes, by the folder as the spec names it."""
    found: dict[str, set[str]] = {}
    taken: dict[str, set[str]] = {}
    for one in comparisons(plan):
        name = str(one.config.folder)
        found.setdefault(name, set()).update(one.found.left_over)
        taken.setdefault(name, set()).update(one.found.names.values())
    return {name: tuple(sorted(names - taken[name])) for name, names in found.items()}


def fresh_below(plan: Plan, node: PlanNode) -> tuple[str, ...]:
    """What the tensors of ``node`` that begin at random are called at the beginning."""
    at = dotted(node.path)
    named = [name for _, config in folder_parts(plan) for name in config.fresh]
    return tuple(
        "" if name == at else f"{name.removeprefix(at + '.')}." for name in named if _within(name, at)
    )


def _within(name: str, at: str) -> bool:
    return name == at or name.startswith(f"{at}.")


def _mistake(found: Comparison) -> str | None:
    for what, names in (("it lacks", found.missing), ("it holds, beyond what is known,", found.unexpected)):
        if names:
            more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
            return f"{what} `{names[0][:200]}`{more}"
    if found.misshapen:
        name, there, needed = found.misshapen[0]
        sizes = "×".join("?" if n is None else str(n) for n in needed)
        return f"`{name[:200]}` is {'×'.join(map(str, there))} there, and {sizes} is needed here"
    return None

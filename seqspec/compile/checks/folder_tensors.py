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

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seqspec.compile.checks._corpus import pipelines
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import dotted
from seqspec.schema.types import Waveform

if TYPE_CHECKING:
    from seqspec.compile.plan.model_folders import Comparing
    from seqspec.data.pretrained.layout_match import Comparison

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


def check(plan: Plan) -> Iterator[Finding]:
    for path, pipeline, _ in pipelines(plan):
        if hasattr(pipeline.tokenizer, "folder"):
            from seqspec.compile.plan.folder_words import other_words

            yield from other_words(path, pipeline)
    if all(getattr(plan.config(path), "folder", None) is None for path in plan.parts):
        return
    # Few specs name a folder, and what reads one is loaded for those alone.
    from seqspec.compile.plan.model_folders import comparisons, folder_parts

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

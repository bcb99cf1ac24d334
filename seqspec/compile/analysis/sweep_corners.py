"""The corners of a sweep's space, each compiled before anything runs.

What is wrong at a corner is shown where its range was written, in the spec or on the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seqspec.compile.analysis.analysis import AnalysisResult, analyze
from seqspec.compile.analysis.front_end import Reading
from seqspec.compile.parse.yaml_reader import read as read_yaml
from seqspec.compile.plan.plan import Plan
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.diagnostic import Diagnostic
from seqspec.schema.sections.sweep import Sweep, dimension_of
from seqspec.schema.sections.sweep_space import (
    Dimension,
    Params,
    Space,
    SpaceError,
    Value,
    dimension,
    overrides,
)
from seqspec.schema.source import COMMAND_LINE, Node, Span, Tree


class Unfit(NamedTuple):
    """A setting that cannot be searched over its range, although the corners compile."""

    path: str
    message: str
    help: str


class Corners(NamedTuple):
    """What the compiler has to say of a space."""

    plans: tuple[Plan, ...]
    """One a corner, up to the first that does not compile."""
    found: tuple[Diagnostic, ...]
    """The mistakes of that one."""
    unfit: tuple[Unfit, ...] = ()


def analyze_corners(reading: Reading, space: Space, overlays: Sequence[Overlay]) -> Corners:
    """Compile the experiment at every corner of ``space``, up to the first mistake."""
    search = _Search(reading, space, tuple(overlays))
    plans: list[Plan] = []
    for params in space.corners():
        seen = search.at(params)
        if not seen.clean or seen.plan is None:
            return Corners(tuple(plans), tuple(search.blamed(seen, params)))
        plans.append(seen.plan)
    return Corners(tuple(plans), (), tuple(search.unfit()))


def spec_corners(
    reading: Reading, sweep: Sweep, tree: Tree, overlays: Sequence[Overlay]
) -> Iterator[Diagnostic]:
    """What is wrong with the space of a spec's own ``sweep``, whose ranges are sound by themselves."""
    try:
        space = Space(tuple(dimension_of(path, given) for path, given in sweep.space.items()))
    except SpaceError:
        return
    seen = analyze_corners(reading, space, overlays)
    yield from seen.found
    for path, message, help in seen.unfit:
        place = ("sweep", "space", path)
        node = tree.at(place)
        yield Diagnostic("SQ385", message, node.key if node else None, help=help, path=place)


class _Search(NamedTuple):
    reading: Reading
    space: Space
    overlays: tuple[Overlay, ...]

    def at(self, params: Params) -> AnalysisResult:
        return analyze(self.reading, (*self.overlays, *map(Overlay.set, overrides(params).values())))

    def blamed(self, seen: AnalysisResult, params: Params) -> Iterator[Diagnostic]:
        """The mistakes of a corner, at the ranges that the values came from."""
        note = f"this is the corner {self.space.told(params, between=', ')} of the sweep's space"
        ranges = {one.path: one for one in self.space.dimensions}
        sources = {text: path for path, text in overrides(params).items()}

        def moved(span: Span | None) -> Span | None:
            path = sources.get(span.source.text) if span and span.source.name == COMMAND_LINE else None
            node = _written(ranges[path], seen.tree) if path is not None else None
            if span is None or path is None or node is None:
                return span
            if span.start < len(path):
                return node.key
            return _within(_chosen(node, ranges[path], params[path]), span, start=len(path) + 1)

        for d in seen.found:
            if d.severity == "error":
                labels = tuple(label._replace(span=moved(label.span) or label.span) for label in d.labels)
                told = f"{d.note}; {note}" if d.note else note
                yield d._replace(span=moved(d.span), labels=labels, note=told, fix=None)

    def unfit(self) -> Iterator[Unfit]:
        """Ranges of fractions at whole numbers, settings that decide nothing, and ranges inside a choice that
        others replace.
        """
        corner = next(self.space.corners())
        for whole in self.space.dimensions:
            for one, made in whole.ranges():
                if one is not whole and (over := self._set_over(one.path, whole.path)):
                    yield Unfit(whole.path, f"`{one.path}` in a choice is lost, for `{over}` is set after it",
                                "leave one of the two out of the space")  # fmt: skip
                elif self._suggests_fractions(one, {**corner, whole.path: made(one.at(0.37))}):
                    told = f"`{one.path}` takes whole numbers, and `{one.kind}` suggests fractions"
                    kind = one.kind.replace("uniform", "int")
                    yield Unfit(whole.path, told, f"write {{{kind}: {list(one.values)}}}")
                elif self._decides_nothing(whole.path, [made(value) for value in one.probes()]):
                    yield Unfit(whole.path, f"`{one.path}` changes no result, whatever its value",
                                "take it out of the space")  # fmt: skip

    def _set_over(self, path: str, whole: str) -> str | None:
        """The setting of the space that replaces what stands at ``path`` in a choice of ``whole``."""
        others = (one.path for one in self.space.dimensions if one.path != whole)
        return next((other for other in others if f"{path}.".startswith(f"{other}.")), None)

    def _suggests_fractions(self, one: Dimension, params: Params) -> bool:
        """Whether an interval of fractions with whole bounds stands at a setting that takes whole numbers."""
        whole = all(isinstance(value, int) for value in one.values)
        return whole and "uniform" in one.kind and self._takes_whole(params)

    def _takes_whole(self, params: Params) -> bool:
        return any(found.code == "SQ106" for found in self.at(params).found)

    def _decides_nothing(self, path: str, values: Sequence[Value]) -> bool:
        """A setting that is no part of the plan's digest changes no result, so there is nothing to search."""
        if len(values) < 2:
            return False
        plans = [seen.plan for value in (values[0], values[-1]) if (seen := self.at({path: value})).clean]
        # What compiles only together with other settings has shown at the corners that it does.
        return len(plans) == 2 and len({plan.digests["all"] for plan in plans if plan}) == 1


def _written(one: Dimension, tree: Tree | None) -> Node | None:
    """Where the spec gives this very range; ``None`` where the command line does."""
    node = tree.at(("sweep", "space", one.path)) if tree is not None else None
    try:
        return node if node is not None and dimension(one.path, node.data()) == one else None
    except SpaceError:
        return None


def _chosen(node: Node, one: Dimension, value: Value) -> Node:
    """Where a section among the choices of a range stands; of plain values the whole range."""
    if not isinstance(value, dict):
        return node
    choices = node if isinstance(node.value, list) else node.at((one.kind,))
    return (choices and choices.at((one.index(value),))) or node


def _within(written: Node, span: Span, *, start: int) -> Span:
    """The place in ``written`` of what stands at ``span`` in the same value as an overlay has it, from
    ``start`` on.
    """
    text = span.source.text
    same = [(written, read_yaml(span.source, text=" " * start + text[start:]))]
    for found, copy in same:
        if copy.span == span:
            return found.span
        if copy.key == span and found.key is not None:
            return found.key
        if isinstance(found.value, dict) and isinstance(copy.value, dict):
            same += [(found.value[key], child) for key, child in copy.value.items() if key in found.value]
        elif isinstance(found.value, list) and isinstance(copy.value, list):
            same += zip(found.value, copy.value, strict=False)
    return written.span

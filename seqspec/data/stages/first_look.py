"""What is told of prepared data before anything is learned from them: files that were passed over, targets
that are all the same, tokens that fill no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seqspec.data.stages.packing import PackedSplit
from seqspec.schema.types import Classes

if TYPE_CHECKING:
    from seqspec.data.stages.prepare import Prepared


def first_look(prepared: Prepared) -> Iterator[str]:
    """Sentences without an end, for people."""
    adapter = prepared.parts.adapter
    opened = [name for name in adapter.splits() if name in prepared.dropped]
    for split in opened:
        for what, count in adapter.passed_over(split).items():
            advice = "; convert them to PNG or JPEG, or take them away" if "suffix" in what else ""
            yield f"{split}: passed over {count:,} {what}{advice}"
    yield from _beyond_the_last_row(prepared)
    for role, type_ in prepared.parts.roles.items():
        names = prepared.labels.get(role, ()) if isinstance(type_, Classes) else ()
        if len(names) == 1:
            yield (
                f"every {role} of train is the same class, `{names[0]}`: there is nothing to learn, and an "
                "accuracy of 100 % means nothing"
            )


def _beyond_the_last_row(prepared: Prepared) -> Iterator[str]:
    for name in prepared.dropped:
        split = prepared.splits[name]
        if isinstance(split, PackedSplit) and split.num_left_out:
            fill, key = f"no row of {split.config.length:,}", "remainder: drop"
            if split.num_lanes is not None:
                fill, key = (
                    f"no row of {split.config.length:,} for each of {split.num_lanes:,} lanes",
                    "sample: lanes",
                )
            yield (
                f"{name}: the last {split.num_left_out:,} of {split.num_tokens:,} tokens fill {fill} "
                f"and are left out of every epoch (`data.pack.{key}`)"
            )

"""What is told of prepared data before anything is learned from them: files that were passed over, targets
that are all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seqspec.schema.types import Classes

if TYPE_CHECKING:
    from seqspec.data.stages.prepare import Prepared


def first_look(prepared: Prepared) -> Iterator[str]:
    """Sentences without an end, for people."""
    adapter = prepared.parts.adapter
    opened = [name for name in adapter.splits() if name in prepared.dropped]
    for split in opened:
        for what, count in adapter.passed_over(split).items():
            yield f"{split}: passed over {count:,} {what}; convert them to PNG or JPEG, or take them away"
    for role, type_ in prepared.parts.roles.items():
        names = prepared.labels.get(role, ()) if isinstance(type_, Classes) else ()
        if len(names) == 1:
            yield (
                f"every {role} of train is the same class, `{names[0]}`: there is nothing to learn, and an "
                "accuracy of 100 % means nothing"
            )

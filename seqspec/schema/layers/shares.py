"""A width that is cut into equal shares: by the heads of attention, or by groups."""

from __future__ import annotations

from seqspec.schema.config import Mismatch


def require_shares(
    dim: int, count: int, *, key: str = "num_heads", what: str = "heads", even: bool = False
) -> None:
    """Raises ``Mismatch`` at ``key`` where ``count`` does not divide ``dim``; ``even``: into even parts."""
    each = 2 * count if even else count
    if dim % each == 0:
        return
    below = dim - dim % each
    raise Mismatch(
        f"{count} {what} do not divide a width of {dim}{' into even parts' if even else ''}",
        at=(key,),
        help=f"the nearest width{f's are {below} and' if below else ' is'} {below + each}",
    )

"""Lightning, loaded without torch's compiler; import it from here."""

from __future__ import annotations

from seqspec.runtime.devices.torch_compiler import deferred

with deferred():
    import lightning
    from lightning.pytorch.callbacks import Callback

__all__ = ["Callback", "lightning"]

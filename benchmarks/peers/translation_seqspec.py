"""``seqspec run`` as a user starts it, metered from outside: ``translation_seqspec.py run SPEC --set …``."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from translation_meter import Meter


def main() -> None:
    from seqspec.cli import app
    from seqspec.components.model.encoder_decoder import EncoderDecoder

    meter = Meter(stop=lambda: os.kill(os.getpid(), signal.SIGTERM))
    loss = EncoderDecoder.loss

    def counted(self: Any, batch: Any, criterion: Any) -> Any:
        if self.training:
            targets = int(batch.target_lengths.sum()) + len(batch.index)
            meter.saw(
                targets=targets,
                real=int(batch.source_lengths.sum()) + targets,
                cells=batch.source.numel() + batch.target.numel() + len(batch.index),
            )
        return loss(self, batch, criterion)

    EncoderDecoder.loss = counted  # type: ignore[method-assign]
    app(sys.argv[1:])


if __name__ == "__main__":
    main()

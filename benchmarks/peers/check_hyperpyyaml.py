"""HyperPyYAML: loading builds the objects, here dataclasses in place of SpeechBrain's modules."""

import sys
from pathlib import Path

from hyperpyyaml import load_hyperpyyaml

with Path(sys.argv[1]).open() as file:
    given = load_hyperpyyaml(file)
print(
    "READ",
    repr(given["optimizer"].learning_rate),
    repr(given["data"].source_language),
    repr(given["train"].max_steps),
)

"""jsonargparse with dataclasses and restricted types; OmegaConf's parser, for interpolation."""

import sys

from experiment import Data, Model, Optimizer, Train
from jsonargparse import ArgumentParser

parser = ArgumentParser(parser_mode="omegaconf")
parser.add_argument("--config", action="config")
for name, cls in (("data", Data), ("model", Model), ("optimizer", Optimizer), ("train", Train)):
    parser.add_argument(f"--{name}", type=cls)
given = parser.parse_args(["--config", sys.argv[1]])
print(
    "READ", repr(given.optimizer.learning_rate), repr(given.data.source_language), repr(given.train.max_steps)
)

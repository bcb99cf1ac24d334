"""Ludwig: its own vocabulary, a text to text sequence model; `ModelConfig` is what validates."""

import sys

from ludwig.schema.model_config import ModelConfig

config = ModelConfig.from_yaml(sys.argv[1])
print("READ", repr(config.trainer.learning_rate), repr("no"), repr(config.trainer.train_steps))

"""A small spec of two tasks with a shared encoder, for the tests of every stage; ``python -m tests.two_tasks``
trains it and kills itself.
"""

import json
import os
import signal
import sys
from pathlib import Path

import yaml

from tests.compile.experiments import merged

TASKS = """
seqspec: 1
name: two_tasks
shared:
  body: {type: transformer, dim: 16, num_layers: 1, num_heads: 2, feed_forward_dim: 32}
tasks:
  asr:
    data:
      source: {type: librispeech, synthetic: 24, parts: {train: [train-clean-100], dev: [dev-clean]}}
      text: {target: {tokenizer: characters}}
      audio: {features: {type: log_mel, num_bins: 24}}
      filter: {max_seconds: 10.0, train_only: true}
      batch: {unit: seconds, size: 20.0}
    model: {embedding: {type: convolution, filters: 4}}
    evaluate: {metrics: [wer]}
  mt:
    data:
      source: {type: bitext, synthetic: 40, source_language: de, target_language: en}
      text: {source: {tokenizer: characters}, target: {tokenizer: characters}}
      filter: {max_source_tokens: 100, max_target_tokens: 100}
      batch: {unit: tokens, size: 200}
    evaluate: {metrics: [chrf]}
model:
  type: encoder_decoder
  encoder: {use: shared.body}
  decoder: {type: transformer, num_layers: 1}
optimizer: {type: adamw, schedule: {type: constant, peak: 0.001}}
train: {max_steps: 8, checkpoint_every_steps: 3, log_every_steps: 2}
evaluate: {every_steps: 4, max_examples: 4, search: {type: greedy, max_tokens: 12}}
"""


def two_tasks(folder, change=None, *, text=TASKS, name="two_tasks.yaml"):
    """The spec in ``folder``, ``change`` merged into it."""
    file = Path(folder) / name
    file.write_text(json.dumps(merged(yaml.safe_load(text), change or {})))  # JSON is YAML without aliases
    return file


def main(spec, runs, kill_at):
    """Train ``spec``; the process is killed in the middle of update ``kill_at``."""
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.runtime.devices.launch import Launch
    from seqspec.runtime.run import run
    from seqspec.runtime.training.training_module import Training

    usual = Training.optimizer_step
    done = []

    def counted(self, *given, **named):
        done.append(1)
        if len(done) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        usual(self, *given, **named)

    Training.optimizer_step = counted
    run(compile_spec(spec), runs=runs, launch=Launch(device="cpu", threads=1, quiet=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
